// measure_language: two language models over the same tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "quantize/model_access.h"
#include "quantize/quality.h"

namespace docmind::quantize {

// Runs the source over options.text and keeps its logits in a scratch file, closes it, then runs the smaller model over
// the same tokens and compares row by row. Errors as measure_quality.
Result<LanguageQuality> measure_language(ModelAccess& access, const std::string& source, const std::string& smaller,
                                         std::string_view text, const QualityOptions& options);

// The tokens in contexts of at most `n_context`, each beginning with `first_token` where there is one. Contexts in
// which nothing is predicted are left out; kInvalidArgument when that leaves none, or for fewer than 2 tokens.
Result<std::vector<std::vector<int32_t>>> cut_contexts(const std::vector<int32_t>& tokens, int64_t n_context,
                                                       std::optional<int32_t> first_token);

}  // namespace docmind::quantize
