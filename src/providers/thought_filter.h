// ThoughtFilter: parts what a model thinks from what it answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::providers {

// Models that think write "<think>...</think>" first; whatever follows is the answer. Feed pieces as
// they come; a mark may be split across pieces. White space around the thought is dropped.
class ThoughtFilter {
 public:
  struct Parts {
    std::string thought;
    std::string answer;
  };
  [[nodiscard]] Parts feed(std::string_view piece);
  // What was held back, at the end of the text.
  [[nodiscard]] Parts finish();
  // Whether the text has not come to an answer yet.
  [[nodiscard]] bool thinking() const { return state_ == State::kThought; }

 private:
  enum class State { kStart, kThought, kAnswerStart, kAnswer };
  State state_ = State::kStart;
  std::string held_;
};

}  // namespace docmind::providers
