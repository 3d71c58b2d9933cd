// Ollama's /api/embed and /api/embeddings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/routes.h"

namespace docmind::server {

void add_ollama_vector_routes(Router& router, pipeline::Service& service, const RouteOptions& options);

}  // namespace docmind::server
