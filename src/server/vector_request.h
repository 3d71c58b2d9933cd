// EmbeddingRequest, RerankRequest: what clients of each dialect send, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json_fields.h"

namespace docmind::server {

inline constexpr size_t kMaxVectorTexts = 2'048;  // of one request

struct EmbeddingRequest {
  std::string model;
  std::string field = "input";  // in which the texts came, for errors
  std::vector<std::string> texts;
  bool is_list = true;          // one text alone otherwise
  bool base64 = false;
  std::optional<int64_t> n_dimensions = {};
  // The client wants what is too long to be cut, to `max_tokens` where it said to how many.
  bool truncate = false;
  std::optional<int64_t> max_tokens = {};
};
// OpenAI's, with "truncate" and vLLM's "truncate_prompt_tokens".
[[nodiscard]] std::optional<EmbeddingRequest> parse_embedding_request(std::string_view body, ApiError& error);
// TEI's /embed.
[[nodiscard]] std::optional<EmbeddingRequest> parse_tei_embed_request(std::string_view body, ApiError& error);
// Ollama's /api/embed ("input", cut unless told otherwise) and /api/embeddings ("prompt").
[[nodiscard]] std::optional<EmbeddingRequest> parse_ollama_embed_request(std::string_view body, ApiError& error);
[[nodiscard]] std::optional<EmbeddingRequest> parse_ollama_embeddings_request(std::string_view body, ApiError& error);

struct RerankRequest {
  bool tei = false;  // "texts": the answer is TEI's
  std::string model;
  std::string query;
  std::vector<std::string> documents;
  std::optional<int64_t> top_n = {};  // none: all
  bool return_documents = false;
  std::optional<int64_t> max_tokens_per_doc = {};
  bool truncate = false;
  bool raw_scores = false;            // logits, not probabilities
};
// Jina's and Cohere's ("documents") and TEI's ("texts"), told apart.
[[nodiscard]] std::optional<RerankRequest> parse_rerank_request(std::string_view body, ApiError& error);

}  // namespace docmind::server
