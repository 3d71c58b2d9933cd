// ThoughtFilter: parts what a model thinks from what it answers.
// SPDX-License-Identifier: Apache-2.0
#include "providers/thought_filter.h"

#include <algorithm>
#include <utility>

namespace docmind::providers {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

void drop_leading_space(std::string& text) { text.erase(0, text.find_first_not_of(" \n\r\t")); }

}  // namespace

ThoughtFilter::Parts ThoughtFilter::feed(std::string_view piece) {
  Parts parts;
  held_ += piece;
  if (state_ == State::kStart) {
    drop_leading_space(held_);
    if (held_.size() < kOpen.size() && kOpen.starts_with(held_)) return parts;
    const bool opens = held_.starts_with(kOpen);
    if (opens) held_.erase(0, kOpen.size());
    state_ = opens ? State::kThought : State::kAnswer;
  }
  if (state_ == State::kThought) {
    const size_t end = held_.find(kClose);
    size_t n_shown = std::min(end, held_.size());
    if (end == std::string::npos) {
      // The end of the text may be the start of the mark.
      size_t n_begun = std::min(held_.size(), kClose.size() - 1);
      while (n_begun > 0 && !held_.ends_with(kClose.substr(0, n_begun))) --n_begun;
      n_shown -= n_begun;
    }
    parts.thought = held_.substr(0, n_shown);
    held_.erase(0, n_shown);
    if (end == std::string::npos) return parts;
    held_.erase(0, kClose.size());
    state_ = State::kAnswerStart;
  }
  if (state_ == State::kAnswerStart) {
    drop_leading_space(held_);
    if (held_.empty()) return parts;
    state_ = State::kAnswer;
  }
  parts.answer = std::exchange(held_, {});
  return parts;
}

ThoughtFilter::Parts ThoughtFilter::finish() {
  Parts parts;
  (state_ == State::kThought ? parts.thought : parts.answer) = std::exchange(held_, {});
  return parts;
}

}  // namespace docmind::providers
