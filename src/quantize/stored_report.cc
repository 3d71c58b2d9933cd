// The report that a quantized file carries in its metadata.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/stored_report.h"

#include <fmt/format.h>

#include "base/text.h"
#include "quantize/convert.h"

namespace docmind::quantize {
namespace {

constexpr size_t kMostReportBytes = size_t{1} << 20;
constexpr size_t kMostReportDepth = 8;
constexpr std::string_view kShownScores[] = {"mean_kld",    "same_top",      "perplexity_ratio", "mean_cosine",
                                             "kendall_tau", "spearman",      "top_k_overlap",    "ndcg_10",
                                             "source_ndcg_10"};

}  // namespace

Result<json::object> stored_report(const gguf::File& file) {
  const gguf::MetadataEntry* entry = file.find(kReportKey);
  if (entry == nullptr) {
    return Error{ErrorCode::kNotFound, fmt::format("'{}' has no report of a quantization", printable(file.path()))};
  }
  DM_ASSIGN(const std::string_view text, file.text(kReportKey));
  Result<json::value> parsed = parse_json(trim(text), kMostReportDepth, kMostReportBytes);
  if (!parsed.ok() || !parsed->is_object()) {
    return Error{ErrorCode::kMalformed, fmt::format("'{}': {} is no JSON object", printable(file.path()), kReportKey)};
  }
  return std::move(*parsed).as_object();
}

json::object stored_scores(const json::object& report) {
  json::object scores;
  const json::value* measured = report.if_contains("quality");
  const json::object* quality = measured != nullptr ? measured->if_object() : nullptr;
  if (quality == nullptr) return scores;
  for (const std::string_view name : kShownScores) {
    const json::value* value = quality->if_contains(name);
    if (value != nullptr && value->is_number()) scores[name] = *value;
  }
  return scores;
}

}  // namespace docmind::quantize
