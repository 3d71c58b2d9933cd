// AnswerStream: from what a model generates to the answer that a person sees.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "providers/model_marks.h"
#include "providers/provider.h"
#include "providers/thought_filter.h"

namespace docmind::providers {

// Drops thoughts, control characters and marks of passages that were not given. An answer that
// begins like a refusal ("The passages do not ...") is held back until its end, since a refusal is
// told in other words by whoever asked. Pieces hold whole UTF-8 characters.
class AnswerStream {
 public:
  // `sink` is borrowed.
  AnswerStream(size_t n_passages, const TextSink& sink) : marks_(n_passages), sink_(sink) {}

  // False when the sink wants no more.
  bool feed(std::string_view piece);
  // The end; false when the sink wants no more.
  bool finish();
  // More text at the end, past the filters.
  bool append(std::string_view text) { return show(std::string(text)); }

  // After finish(): whether the model says that the passages do not answer; nothing was shown then.
  [[nodiscard]] bool refused() const { return refused_; }
  [[nodiscard]] bool has_marks() const { return marks_.any(); }
  // Whether the model still thought at the end, so that there is no answer.
  [[nodiscard]] bool only_thought() const { return thoughts_.thinking(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  bool take(std::string_view answer);
  bool show(std::string text);

  ThoughtFilter thoughts_;
  ModelMarks marks_;
  const TextSink& sink_;
  std::string start_;  // while it may be a refusal
  bool open_ = false;  // it is not
  bool refused_ = false;
  std::string text_;
};

}  // namespace docmind::providers
