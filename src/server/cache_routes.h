// /v1/cache: what the caches of a collection hold, what becomes of an answer, and their removal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/service.h"
#include "server/router.h"

namespace docmind::server {

void add_cache_routes(Router& router, pipeline::Service& service);

}  // namespace docmind::server
