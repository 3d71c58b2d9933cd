// The report that a quantized file carries in its metadata.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "gguf/file.h"

namespace docmind::quantize {

// report_to_json() as it was when the file was made; anybody may have written it. kNotFound: the file has none;
// kMalformed: it is no JSON object.
[[nodiscard]] Result<json::object> stored_report(const gguf::File& file);

// The figures of its measurement, as lists of scores show them: {"mean_kld", "same_top", "perplexity_ratio"},
// {"mean_cosine", "ndcg_10"...} or {"spearman", ...}; empty when it was not measured.
[[nodiscard]] json::object stored_scores(const json::object& report);

}  // namespace docmind::quantize
