// PrefillRun: reads prompts, a piece of one or several at a time, in slices between decode passes.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler_prefill.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace docmind::engine {
namespace {

// Fewer tokens, and reading the weights takes as long as multiplying with them.
constexpr int64_t kLeastTokens = 64;
constexpr double kNewest = 0.25;  // share of the newest measurement in the average
constexpr int64_t kFewLayers = 4;  // that are worth computing again

}  // namespace

std::vector<int64_t> share_prefill(std::span<const int64_t> remaining, int64_t n_tokens) {
  std::vector<int64_t> shares(remaining.size(), 0);
  if (remaining.empty()) return shares;
  int64_t left = n_tokens - std::min(remaining[0], n_tokens - n_tokens / 2);
  const auto grant = [&](size_t i, int64_t n) {
    shares[i] = n;
    left -= n;
  };
  for (size_t i = 1; i < remaining.size(); ++i) {
    if (remaining[i] <= left) grant(i, remaining[i]);
  }
  shares[0] = std::min(remaining[0], n_tokens - n_tokens / 2);
  const int64_t more = std::min(remaining[0] - shares[0], left);
  shares[0] += more;
  left -= more;
  for (size_t i = 1; i < remaining.size() && left > 0; ++i) {
    if (shares[i] == 0) grant(i, std::min(remaining[i], left));
  }
  return shares;
}

Status PrefillRun::start(std::span<ScheduledText* const> texts, int64_t n_tokens) {
  rows_.clear();
  std::vector<int64_t> remaining;
  for (const ScheduledText* text : texts) remaining.push_back(text->n_prompt() - text->n_held());
  const std::vector<int64_t> shares = share_prefill(remaining, std::min(n_tokens, pass_->max_tokens()));
  for (size_t i = 0; i < texts.size(); ++i) {
    if (shares[i] == 0 || texts[i]->slot < 0) continue;  // one before it may have taken its room
    const int64_t n = hooks_.reserve(*texts[i], shares[i]);
    if (n > 0) rows_.push_back({texts[i], n});
  }
  std::erase_if(rows_, [](const Row& row) { return row.text->slot < 0; });
  items_.clear();
  for (const auto& [text, n] : rows_) {
    const auto tokens = std::span<const TokenId>(text->request.prompt).subspan(static_cast<size_t>(text->n_held()),
                                                                               static_cast<size_t>(n));
    const bool wants_logits = text->generated.empty() && text->n_held() + n == text->n_prompt();
    items_.push_back({.sequence = text->sequence.get(),
                      .tokens = tokens,
                      .logits = wants_logits ? hooks_.logits(*text) : std::span<float>()});
    text->prefill_turn = ++n_turns_;
  }
  if (items_.empty()) return {};
  n_layers_done_ = 0;
  return pass_->start(items_, model::PassKind::kPrefill);
}

bool PrefillRun::advance(double budget_ms, int64_t max_layers) {
  const SteadyTime begin = hooks_.now();
  SteadyTime before = begin;
  for (int64_t i = 0; i < max_layers; ++i) {
    const bool done = pass_->advance(1);
    ++n_layers_done_;
    const SteadyTime now = hooks_.now();
    const double layer_ms = ms_between(before, now);
    const double each = layer_ms / static_cast<double>(std::max<int64_t>(1, n_tokens()));
    token_layer_ms_ = token_layer_ms_ == 0 ? each : token_layer_ms_ + kNewest * (each - token_layer_ms_);
    if (done) return true;
    if (ms_between(begin, now) + layer_ms > budget_ms) return false;
    before = now;
  }
  return false;
}

void PrefillRun::leave(const ScheduledText& text) {
  const bool inside = std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.text == &text; });
  if (!open() || !inside) return;
  pass_->abandon();
  rows_.clear();
}

void PrefillRun::make_way(std::span<ScheduledText* const> texts, int64_t n_most_tokens) {
  if (!open() || n_layers_done_ > kFewLayers || n_tokens() >= n_most_tokens) return;
  const auto is_inside = [&](const ScheduledText* text) {
    return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.text == text; });
  };
  if (std::all_of(texts.begin(), texts.end(), is_inside)) return;
  for (const Row& row : rows_) row.text->prefill_turn = 0;  // they do not lose their turn
  pass_->abandon();
  rows_.clear();
}

int64_t PrefillRun::n_tokens() const {
  return std::accumulate(rows_.begin(), rows_.end(), int64_t{0},
                         [](int64_t n, const Row& row) { return n + row.n_tokens; });
}

int64_t PrefillRun::tokens_for(double layer_ms, int64_t most) const {
  if (token_layer_ms_ <= 0) return most;
  const double n = layer_ms / token_layer_ms_;
  if (n >= static_cast<double>(most)) return most;
  return std::clamp(static_cast<int64_t>(n), std::min(kLeastTokens, most), most);
}

}  // namespace docmind::engine
