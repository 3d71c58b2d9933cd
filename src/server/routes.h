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
void add_openai_routes(Router& router, pipeline::Service& service, const RouteOptions& options);   // /v1/chat/completions, completions, models
void add_vector_routes(Router& router, pipeline::Service& service, const RouteOptions& options);   // /v1/embeddings, rerank in all dialects, TEI
void add_ollama_routes(Router& router, pipeline::Service& service, const RouteOptions& options);   // /api/...
void add_llamacpp_routes(Router& router, pipeline::Service& service, const RouteOptions& options); // /props, /tokenize, ...
void add_rag_routes(Router& router, pipeline::Service& service, const RouteOptions& options);      // /v1/rag/query, /v1/search
void add_document_routes(Router& router, pipeline::Service& service, const RouteOptions& options); // /v1/documents, /v1/collections
void add_admin_routes(Router& router, pipeline::Service& service, const RouteOptions& options);    // /v1/cache, stats, decisions, /health
void add_metrics_route(Router& router, pipeline::Service& service, const RouteOptions& options);   // /metrics
void add_openapi_route(Router& router);                                                            // /openapi.json
void add_page_routes(Router& router);                                                              // / and its files

// All of the above.
[[nodiscard]] Router all_routes(pipeline::Service& service, const RouteOptions& options);

}  // namespace docmind::server
