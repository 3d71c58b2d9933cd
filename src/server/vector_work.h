// Embeddings and reranks of one request: lengths checked before anything is computed, nothing cut in silence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "pipeline/service.h"
#include "server/model_names.h"
#include "server/vector_request.h"

namespace docmind::server {

// Of whom and for how long the work is.
struct VectorCall {
  std::string tenant;
  double timeout_ms = 0;  // 0: none
  CancelToken cancel;
};

struct Embedded {
  size_t dimension = 0;
  std::vector<float> rows;  // [texts, dimension], unit length
  int64_t n_tokens = 0;     // words, where the lexical model or another server made them
  int64_t n_cut_tokens = 0;
};
// Waits; for workers. A text longer than the context is an error that names both numbers and its place, unless the
// request wants it cut.
[[nodiscard]] std::optional<Embedded> embed_texts(pipeline::Service& service, const VectorTarget& target,
                                                  const EmbeddingRequest& request, const VectorCall& call,
                                                  ApiError& error);

struct Ranked {
  struct Place {
    size_t document = 0;
    double score = 0;
  };
  std::vector<Place> best;  // all documents, best first; of equals the earlier one
  int64_t n_tokens = 0;
  int64_t n_cut_tokens = 0;
};
// Likewise. Scores are probabilities, or logits where the request wants raw ones; those of the lexical model are
// 0 or more.
[[nodiscard]] std::optional<Ranked> rank_documents(pipeline::Service& service, const VectorTarget& target,
                                                   const RerankRequest& request, const VectorCall& call,
                                                   ApiError& error);

}  // namespace docmind::server
