// measure_embedding, measure_rerank: two encoders over a labelled set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "quantize/model_access.h"
#include "quantize/quality.h"

namespace docmind::quantize {

// One after the other is loaded; errors as measure_quality. The set was checked by check_labelled_set.
Result<EmbeddingQuality> measure_embedding(ModelAccess& access, const std::string& source, const std::string& smaller,
                                           const LabelledSet& set, const QualityOptions& options);
Result<RerankQuality> measure_rerank(ModelAccess& access, const std::string& source, const std::string& smaller,
                                     const LabelledSet& set, const QualityOptions& options);

// kInvalidArgument for fewer than 2 documents, no query, and a query without documents of the set that answer it.
[[nodiscard]] Status check_labelled_set(const LabelledSet& set);

// The documents that a reranker gets for each query: those that answer it, then those that share most words with it,
// `n_most` in all.
[[nodiscard]] std::vector<std::vector<size_t>> choose_candidates(const LabelledSet& set, size_t n_most);

}  // namespace docmind::quantize
