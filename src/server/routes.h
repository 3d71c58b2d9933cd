// All routes of the server by dialect; each adds its own to the router.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/service.h"
#include "server/router.h"

namespace docmind::server {

struct RouteOptions {
  int64_t max_tokens = 4'096;          // of one answer, where the client names no limit or a larger one
  int64_t request_timeout_ms = 600'000; // deadline of a generation
  bool metrics_public = true;          // /metrics without a key
  bool alias_metrics = true;           // also under the names of vLLM and llama.cpp
  bool page = true;
};

// Everything borrows the service, which must outlive the server.

// /v1/chat/completions, /v1/completions, /v1/models
void add_openai_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /v1/embeddings, rerank in all dialects, text-embeddings-inference
void add_vector_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /api/...
void add_ollama_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /props, /tokenize, ...
void add_llamacpp_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /v1/rag/query, /v1/search
void add_rag_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /v1/documents, /v1/collections, /v1/index
void add_document_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /v1/cache, /v1/stats, /v1/decisions, /health
void add_admin_routes(Router& router, pipeline::Service& service, const RouteOptions& options);
// /metrics
void add_metrics_route(Router& router, pipeline::Service& service, const RouteOptions& options);
// /openapi.json
void add_openapi_route(Router& router);
// / and its files
void add_page_routes(Router& router);
// All of the above.
[[nodiscard]] Router all_routes(pipeline::Service& service, const RouteOptions& options);

}  // namespace docmind::server
