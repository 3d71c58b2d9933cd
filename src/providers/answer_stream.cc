// AnswerStream: from what a model generates to the answer that a person sees.
// SPDX-License-Identifier: Apache-2.0
#include "providers/answer_stream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "providers/quote.h"
#include "providers/rag_prompt.h"

namespace docmind::providers {
namespace {

// A refusal is short; what goes on longer is an answer that began with a remark.
constexpr size_t kMaxRefusalBytes = 240;

// How models begin to say that they have no answer, in lower case; the first is what they are told.
constexpr std::array<std::string_view, 16> kRefusalOpenings = {
    "the passages do not",
    "the passages don't",
    "the passages provided do not",
    "the provided passages do not",
    "the provided passages don't",
    "the given passages do not",
    "the documents do not",
    "the provided documents do not",
    "none of the passages",
    "none of the provided passages",
    "there is no information",
    "there is no mention",
    "no information",
    "i cannot answer",
    "i'm sorry, but the",
    "sorry, but the",
};

// Lower case, typographic apostrophes made plain.
std::string plain(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\u2019")) {
      out.push_back('\'');
      i += 2;
    } else {
      out.push_back(text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i]);
    }
  }
  return out;
}

bool may_become_refusal(std::string_view start) {
  if (start.size() > kMaxRefusalBytes) return false;
  const std::string text = plain(start);
  return std::any_of(kRefusalOpenings.begin(), kRefusalOpenings.end(), [&](std::string_view refusal) {
    return text.starts_with(refusal) || refusal.starts_with(text);
  });
}

bool is_refusal(std::string_view start) {
  const std::string text = plain(start);
  return std::any_of(kRefusalOpenings.begin(), kRefusalOpenings.end(),
                     [&](std::string_view refusal) { return text.starts_with(refusal); });
}

}  // namespace

bool AnswerStream::show(std::string text) {
  text_ += text;
  return text.empty() || !sink_ || sink_(text);
}

bool AnswerStream::take(std::string_view answer) {
  std::string shown = marks_.feed(visible_text(answer));
  if (open_) return show(std::move(shown));
  start_ += shown;
  // A statement with its source is an answer, however it begins.
  if (may_become_refusal(start_) && !marks_.any()) return true;
  open_ = true;
  return show(std::exchange(start_, {}));
}

bool AnswerStream::feed(std::string_view piece) { return take(thoughts_.feed(piece).answer); }

bool AnswerStream::finish() {
  if (!take(thoughts_.finish().answer)) return false;
  start_ += marks_.finish();
  refused_ = !open_ && is_refusal(start_);
  if (refused_) return true;
  return show(std::exchange(start_, {}));
}

}  // namespace docmind::providers
