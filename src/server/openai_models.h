// GET /v1/models and /v1/models/{id}.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/service.h"
#include "server/router.h"

namespace docmind::server {

void add_model_routes(Router& router, pipeline::Service& service);

}  // namespace docmind::server
