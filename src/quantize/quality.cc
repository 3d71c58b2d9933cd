// Quality: what a smaller file loses against its source, and whether that is within the limit.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality.h"

#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "quantize/quality_encoders.h"
#include "quantize/quality_language.h"
#include "quantize/quality_verdict.h"

namespace docmind::quantize {
namespace {

constexpr std::array<std::pair<QualityRule, std::string_view>, 3> kRules = {{
    {QualityRule::kPerplexity, "perplexity"}, {QualityRule::kSameTop, "same-top"}, {QualityRule::kBoth, "both"}}};

std::string_view model_kind_words(ModelKind kind) {
  switch (kind) {
    case ModelKind::kLanguage: return "a language model";
    case ModelKind::kEmbedding: return "an embedder";
    case ModelKind::kRerank: return "a reranker";
  }
  return "of no kind";
}

Status check_quality_options(const QualityOptions& options) {
  if (!std::isfinite(options.least) || options.least <= 0 || options.least > 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the least quality is a share above 0 and up to 1, not {}", options.least)};
  }
  if (options.n_tokens >= 2 && options.n_context >= 2) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} in contexts of {} leave nothing to predict; both are at least 2",
                           format_count(options.n_tokens, "token"), options.n_context)};
}

Result<ModelKind> common_kind(ModelAccess& access, const std::string& source, const std::string& smaller) {
  DM_ASSIGN(const ModelKind kind, access.kind(source));
  DM_ASSIGN(const ModelKind other, access.kind(smaller));
  if (kind == other) return kind;
  return Error{ErrorCode::kMismatch,
               fmt::format("'{}' is {} and '{}' {}, which cannot be compared", printable(source),
                           model_kind_words(kind), printable(smaller), model_kind_words(other))};
}

std::string sample_name(const QualityOptions& options, bool built_in, std::string_view what) {
  if (built_in) return fmt::format("the built-in {}", what);
  return options.sample_name.empty() ? fmt::format("a {} that was given", what) : options.sample_name;
}

}  // namespace

Result<QualityRule> parse_quality_rule(std::string_view text) {
  for (const auto& [rule, name] : kRules) {
    if (name == text) return rule;
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no rule of quality; there are perplexity, same-top and both", printable(text))};
}

std::string_view quality_rule_name(QualityRule rule) {
  for (const auto& [one, name] : kRules) {
    if (one == rule) return name;
  }
  return "";
}

Result<Quality> measure_quality(ModelAccess& access, const std::string& source, const std::string& smaller,
                                const QualityOptions& options) {
  const Stopwatch stopwatch;
  DM_TRY(check_quality_options(options));
  Quality quality;
  quality.least = options.least;
  quality.rule = options.rule;
  DM_ASSIGN(quality.kind, common_kind(access, source, smaller));
  if (quality.kind == ModelKind::kLanguage) {
    const std::string_view text = options.text.empty() ? builtin_sample_text() : std::string_view(options.text);
    quality.sample = sample_name(options, options.text.empty(), "sample");
    DM_ASSIGN(quality.language, measure_language(access, source, smaller, text, options));
  } else {
    const LabelledSet set = options.labelled ? *options.labelled : builtin_labelled_set();
    quality.sample = sample_name(options, !options.labelled, "labelled set");
    DM_TRY(check_labelled_set(set));
    if (quality.kind == ModelKind::kEmbedding) {
      DM_ASSIGN(quality.embedding, measure_embedding(access, source, smaller, set, options));
    } else {
      DM_ASSIGN(quality.rerank, measure_rerank(access, source, smaller, set, options));
    }
  }
  judge(quality);
  quality.seconds = stopwatch.elapsed_ms() / 1'000;
  return quality;
}

}  // namespace docmind::quantize
