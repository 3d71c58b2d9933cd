// Ollama's /api/embed and /api/embeddings.
// SPDX-License-Identifier: Apache-2.0
#include "server/ollama_vectors.h"

#include <span>

#include <fmt/format.h>

#include "server/embedding_route.h"
#include "server/response_text.h"
#include "server/vector_json.h"

namespace docmind::server {
namespace {

std::string ollama_embed(const Exchange& exchange, const EmbeddingRequest& request, const VectorTarget& target,
                         const Embedded& made) {
  std::string out = "{\"model\":";
  append_json_string(out, request.model.empty() ? target.model : request.model);
  out += ",\"embeddings\":[";
  for (size_t i = 0; i < request.texts.size(); ++i) {
    if (i > 0) out += ',';
    append_vector(out, std::span(made.rows).subspan(i * made.dimension, made.dimension));
  }
  fmt::format_to(std::back_inserter(out), "],\"total_duration\":{},\"load_duration\":0,\"prompt_eval_count\":{}",
                 static_cast<int64_t>(exchange.elapsed_ms() * 1e6), made.n_tokens);
  if (made.n_cut_tokens > 0) fmt::format_to(std::back_inserter(out), ",\"truncated_tokens\":{}", made.n_cut_tokens);
  return out + "}";
}

std::string ollama_embedding(const Exchange&, const EmbeddingRequest&, const VectorTarget&, const Embedded& made) {
  std::string out = "{\"embedding\":";
  append_vector(out, made.rows);
  if (made.n_cut_tokens > 0) fmt::format_to(std::back_inserter(out), ",\"truncated_tokens\":{}", made.n_cut_tokens);
  return out + "}";
}

}  // namespace

void add_ollama_vector_routes(Router& router, pipeline::Service& service, const RouteOptions& options) {
  add_embedding_route(router, service, options, "/api/embed",
                      {parse_ollama_embed_request, ollama_embed, Dialect::kOllama});
  add_embedding_route(router, service, options, "/api/embeddings",
                      {parse_ollama_embeddings_request, ollama_embedding, Dialect::kOllama});
}

}  // namespace docmind::server
