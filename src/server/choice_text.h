// ChoiceText: parts one generated text into thought, answer and tool calls, as it comes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "providers/thought_filter.h"
#include "tokenizer/tool_calls.h"

namespace docmind::server {

struct MadeToolCall {
  std::string id;         // made here
  std::string name;
  std::string arguments;  // JSON text
};

// What is to be looked for in a text.
struct ChoiceForm {
  bool thoughts = false;  // the model may begin with one
  std::optional<tokenizer::ChatFamily> family = {};  // whose form calls have
  std::vector<std::string> tools = {};  // names of those that may be called; empty: all is text
};

class ChoiceText {
 public:
  explicit ChoiceText(const ChoiceForm& form) : has_thoughts_(form.thoughts) {
    if (form.family && !form.tools.empty()) calls_.emplace(*form.family, form.tools);
  }

  // What can be shown now of each part.
  struct Parts {
    std::string thought;
    std::string answer;
    std::vector<MadeToolCall> calls;  // whole ones
    [[nodiscard]] bool empty() const { return thought.empty() && answer.empty() && calls.empty(); }
  };
  [[nodiscard]] Parts feed(std::string_view piece);
  // What was held back, at the end.
  [[nodiscard]] Parts finish();

  [[nodiscard]] bool thinking() const { return has_thoughts_ && thoughts_.thinking(); }

 private:
  void part_calls(std::string answer, bool at_end, Parts& parts);

  const bool has_thoughts_;
  providers::ThoughtFilter thoughts_;
  std::optional<tokenizer::ToolCallParser> calls_;
};

}  // namespace docmind::server
