// The words of decisions: sizes, shares, and what each setting's change will do.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "control/rules.h"

namespace docmind::control {
namespace {

struct Change {
  std::string setting, from, to, effect;
};

Change of_count(std::string_view setting, int64_t from, int64_t to, std::string_view effect) {
  return {std::string(setting), format_count(from), format_count(to),
          fmt::format("{} (before: {})", fmt::format(fmt::runtime(effect), format_count(to)), format_count(from))};
}

Change of_bytes(std::string_view setting, int64_t from, int64_t to, std::string_view effect) {
  std::string from_text = format_bytes(from);
  std::string to_text = format_bytes(to);
  if (from_text == to_text) {  // too near for rounded numbers
    from_text = format_count(from, "byte");
    to_text = format_count(to, "byte");
  }
  std::string told = fmt::format(fmt::runtime(effect), to_text, from_text);
  return {std::string(setting), std::move(from_text), std::move(to_text), std::move(told)};
}

std::string kv_effect(KvFormat from, KvFormat to) {
  return fmt::format("a new sequence takes {} of the KV memory that it takes as f16 (before: {})",
                     percent(kv_share(to)), percent(kv_share(from)));
}

std::string level_effect(Level to) {
  switch (to) {
    case Level::kConservative: return "new sequences are kept as exactly as configured";
    case Level::kBalanced: return "new sequences are kept as int8 at the most, about half the memory of f16";
    case Level::kAggressive: return "new sequences are kept as int4, less than a third of the memory of f16";
  }
  return {};
}

std::string queue_effect(int64_t from, int64_t to) {
  return to < from ? "at most {} questions wait, all of which can be answered in time; others are told when to retry"
                   : "up to {} questions wait before one is refused";
}

std::string depth_effect(int64_t from, int64_t to) {
  return to < from ? "{} passages are reranked for a question, which costs less time"
                   : "{} passages are reranked for a question, for a better choice";
}

std::string context_effect(int64_t from, int64_t to) {
  return to < from ? "an answer is made from {} passages, so its prompt is read sooner"
                   : "an answer is made from {} passages, so it knows more";
}

void add_counts(const Setpoints& a, const Setpoints& b, std::vector<Change>& changes) {
  const auto add = [&](std::string_view setting, int64_t from, int64_t to, std::string_view effect) {
    if (from != to) changes.push_back(of_count(setting, from, to, effect));
  };
  add("max_sequences", a.max_sequences, b.max_sequences, "at most {} texts are generated together");
  add("prefill_tokens", a.prefill_tokens, b.prefill_tokens, "a pass reads at most {} tokens of prompts");
  add("embed_batch_tokens", a.embed_batch_tokens, b.embed_batch_tokens, "at most {} tokens are embedded together");
  add("rerank_batch_tokens", a.rerank_batch_tokens, b.rerank_batch_tokens, "at most {} tokens are reranked together");
  add("max_queued", a.max_queued, b.max_queued, queue_effect(a.max_queued, b.max_queued));
  add("rerank_depth", a.rerank_depth, b.rerank_depth, depth_effect(a.rerank_depth, b.rerank_depth));
  add("context_passages", a.context_passages, b.context_passages,
      context_effect(a.context_passages, b.context_passages));
}

}  // namespace

std::string percent(double share) { return fmt::format("{:.0f}%", share * 100); }

std::string bytes_of_bytes(int64_t part, int64_t whole) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double a = static_cast<double>(part);
  double b = static_cast<double>(whole);
  size_t unit = 0;
  for (; std::fabs(b) >= 1'024 && unit + 1 < kUnits.size(); ++unit) {
    a /= 1'024;
    b /= 1'024;
  }
  return fmt::format("{:.{}f} of {:.{}f} {}", a, unit == 0 ? 0 : 1, b, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string memory_words(const ControlInput& input) {
  const double share = static_cast<double>(input.memory_used_bytes) / static_cast<double>(input.memory_budget_bytes);
  return fmt::format("{} is {} used ({})", input.memory_name, percent(share),
                     bytes_of_bytes(input.memory_used_bytes, input.memory_budget_bytes));
}

std::vector<Decision> differences(const Setpoints& before, const Setpoints& after, const std::string& cause,
                                  int64_t unix_ms) {
  std::vector<Change> changes;
  if (before.level != after.level) {
    changes.push_back({"level", std::string(level_name(before.level)), std::string(level_name(after.level)),
                       level_effect(after.level)});
  }
  if (before.kv_format != after.kv_format) {
    changes.push_back({"kv_format", std::string(kv_format_name(before.kv_format)),
                       std::string(kv_format_name(after.kv_format)), kv_effect(before.kv_format, after.kv_format)});
  }
  if (before.cache_memory_bytes != after.cache_memory_bytes) {
    changes.push_back(of_bytes("cache_memory_bytes", before.cache_memory_bytes, after.cache_memory_bytes,
                               "answers in memory take at most {} (before: {})"));
  }
  add_counts(before, after, changes);
  std::vector<Decision> decisions;
  for (Change& change : changes) {
    decisions.push_back({.unix_ms = unix_ms, .setting = std::move(change.setting), .from = std::move(change.from),
                         .to = std::move(change.to), .cause = cause, .effect = std::move(change.effect)});
  }
  return decisions;
}

}  // namespace docmind::control
