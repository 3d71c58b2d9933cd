// ChoiceText: parts one generated text into thought, answer and tool calls, as it comes.
// SPDX-License-Identifier: Apache-2.0
#include "server/choice_text.h"

#include <utility>

#include "server/response_text.h"

namespace docmind::server {

ChoiceText::Parts ChoiceText::feed(std::string_view piece) {
  Parts parts;
  std::string answer(piece);
  if (has_thoughts_) {
    auto split = thoughts_.feed(piece);
    parts.thought = std::move(split.thought);
    answer = std::move(split.answer);
  }
  part_calls(std::move(answer), false, parts);
  return parts;
}

ChoiceText::Parts ChoiceText::finish() {
  Parts parts;
  std::string answer;
  if (has_thoughts_) {
    auto split = thoughts_.finish();
    parts.thought = std::move(split.thought);
    answer = std::move(split.answer);
  }
  part_calls(std::move(answer), true, parts);
  return parts;
}

void ChoiceText::part_calls(std::string answer, bool at_end, Parts& parts) {
  if (!calls_) {
    parts.answer = std::move(answer);
    return;
  }
  const auto add = [&parts](tokenizer::ToolCallParser::Parts found) {
    parts.answer += found.text;
    for (tokenizer::ToolCall& call : found.calls) {
      parts.calls.push_back({new_id("call_"), std::move(call.name), std::move(call.arguments)});
    }
  };
  if (!answer.empty()) add(calls_->feed(answer));
  if (at_end) add(calls_->finish());
}

}  // namespace docmind::server
