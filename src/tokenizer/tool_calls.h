// Tool calls: what a model writes when it wants a function to be called.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/chat_template.h"

namespace docmind::tokenizer {

struct ToolCall {
  std::string name;
  std::string arguments;  // the text of a JSON object, as the model wrote it
};

// Parts calls from text, piece by piece. ChatML and Qwen3: <tool_call>{"name", "arguments"}</tool_call>, any number
// of them; Llama 3: a text that is nothing but {"name", "parameters"}, of a declared tool. What only looks like a
// call (no JSON, no name) is text and comes as it was written. White space around calls is left out.
class ToolCallParser {
 public:
  // `names` are those of the declared tools, which calls of Llama 3 must have; empty: any. In a family without tools
  // all is text.
  explicit ToolCallParser(ChatFamily family, std::vector<std::string> names = {});

  struct Parts {
    std::string text;             // what can be shown now
    std::vector<ToolCall> calls;  // that are whole now
  };
  // What may still become a call is held back.
  [[nodiscard]] Parts feed(std::string_view piece);
  // The rest, at the end of the text; a call whose closing mark is missing counts if its JSON is whole.
  [[nodiscard]] Parts finish();

 private:
  enum class State { kText, kCall, kPlain };  // kPlain: all that comes is text

  void feed_tagged(Parts& parts);
  void end_call(std::string_view body, std::string_view as_written, Parts& parts);
  void show(std::string_view text, Parts& parts);

  bool tagged_ = false;  // else the whole text may be one call
  std::vector<std::string> names_;
  State state_ = State::kPlain;
  std::string held_;
  std::string space_;  // white space that is left out if a call comes next, or has come before
  bool after_call_ = false;
};

// A whole text.
[[nodiscard]] ToolCallParser::Parts parse_tool_calls(ChatFamily family, std::string_view text,
                                                     std::vector<std::string> names = {});

// The names of tools as ChatOptions::tools has them; kInvalidArgument says which one is no declaration of a function:
// no JSON, no name, or a name that is not of 1 to 64 letters, digits, '_', '-' and '.'.
[[nodiscard]] Result<std::vector<std::string>> tool_names(std::span<const std::string> tools);

}  // namespace docmind::tokenizer
