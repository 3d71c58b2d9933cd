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
  bool thoughts = false;    // the model may begin with one
  bool tool_calls = false;  // the model was told of tools
  tokenizer::ChatFamily family = tokenizer::ChatFamily::kChatMl;  // whose form the calls have
};

class ChoiceText {
 public:
  explicit ChoiceText(const ChoiceForm& form) : form_(form) {
    if (form.tool_calls) calls_.emplace(form.family);
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

  [[nodiscard]] bool thinking() const { return form_.thoughts && thoughts_.thinking(); }

 private:
  void part_calls(std::string answer, bool at_end, Parts& parts);

  ChoiceForm form_;
  providers::ThoughtFilter thoughts_;
  std::optional<tokenizer::ToolCallParser> calls_;
};

}  // namespace docmind::server
