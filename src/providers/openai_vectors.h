// Embeddings and reranking in OpenAI's and Jina's shape: the bodies, and what the answers say.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "providers/upstream.h"

namespace docmind::providers {

// `as_base64`: where the server is known to give it; it is a third of the bytes.
[[nodiscard]] std::string openai_embedding_body(std::string_view model, std::span<const std::string_view> texts,
                                                bool as_base64);

struct EmbeddingAnswer {
  std::vector<std::vector<float>> rows{};  // in the order of the texts, of unit length
  int64_t n_tokens = 0;                    // 0: the server did not say
};
// Numbers or base64 of little-endian floats, in any order of `index`. kMalformed names what is missing.
[[nodiscard]] Result<EmbeddingAnswer> read_openai_embeddings(const UpstreamOptions& options, const json::value& answer,
                                                             size_t n_texts);

[[nodiscard]] std::string rerank_body(std::string_view model, std::string_view query,
                                      std::span<const std::string_view> documents);
// "results" of {index, relevance_score} or {index, score}, in any order, each index once.
[[nodiscard]] Result<std::vector<double>> read_rerank(const UpstreamOptions& options, const json::value& answer,
                                                      size_t n_documents);

}  // namespace docmind::providers
