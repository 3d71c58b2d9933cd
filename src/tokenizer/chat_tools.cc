// Tools in chat prompts.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chat_tools.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "tokenizer/tool_calls.h"
#include "tokenizer/tool_json.h"

namespace docmind::tokenizer {
namespace {

using ChatMessages = std::span<const ChatMessage>;

// Templates of Llama 3.1 know a single call a turn.
Status check_calls(ChatFamily family, ChatMessages messages) {
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto wrong = [&](std::string_view what) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("message {} of the conversation {}", i + 1, what)};
    };
    const std::span<const ChatToolCall> calls = messages[i].tool_calls;
    if (!calls.empty() && messages[i].role != "assistant") return wrong("has tool calls and is not the assistant's");
    if (family == ChatFamily::kLlama3 && calls.size() > 1) {
      return wrong(fmt::format("has {} tool calls; this model's conversations have one a message", calls.size()));
    }
    for (const ChatToolCall& call : calls) {
      if (call.arguments.empty() || restyle_json(call.arguments, JsonStyle::kOneLine).ok()) continue;
      return wrong(fmt::format("calls '{}' with arguments that are no JSON object", printable(call.name)));
    }
  }
  return {};
}

std::string arguments_of(const ChatToolCall& call) {
  if (call.arguments.empty()) return "{}";
  Result<std::string> styled = restyle_json(call.arguments, JsonStyle::kOneLine);
  return styled.ok() ? std::move(styled).value() : std::string("{}");  // was checked
}

}  // namespace

Result<ToolTexts> tool_texts(ChatFamily family, ChatMessages messages, const ChatOptions& options) {
  DM_TRY(check_calls(family, messages));
  DM_TRY(tool_names(options.tools));
  const JsonStyle style = family == ChatFamily::kLlama3 ? JsonStyle::kIndented : JsonStyle::kOneLine;
  ToolTexts texts;
  for (const std::string& tool : options.tools) {
    DM_ASSIGN(std::string text, restyle_json(tool, style));
    texts.push_back(std::move(text));
  }
  return texts;
}

ChatMessages add_qwen_system(PromptBuilder& prompt, ChatMessages messages, const ToolTexts& tools) {
  if (tools.empty()) return messages;
  prompt.mark("<|im_start|>").text("system\n");
  if (messages.front().role == "system") {
    prompt.text(messages.front().content).text("\n\n");
    messages = messages.subspan(1);
  }
  prompt.text("# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
              "function signatures within <tools></tools> XML tags:\n<tools>");
  for (const std::string& tool : tools) prompt.text("\n").text(tool);
  prompt.text("\n</tools>\n\nFor each function call, return a json object with function name and arguments within ");
  prompt.optional_mark("<tool_call>").optional_mark("</tool_call>").text(" XML tags:\n");
  prompt.optional_mark("<tool_call>").text("\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n");
  prompt.optional_mark("</tool_call>").mark("<|im_end|>").text("\n");
  return messages;
}

void add_qwen_calls(PromptBuilder& prompt, std::span<const ChatToolCall> calls, bool after_text) {
  for (const ChatToolCall& call : calls) {
    if (after_text) prompt.text("\n");
    after_text = true;
    prompt.optional_mark("<tool_call>").text("\n{\"name\": ").text(quoted_json(call.name)).text(", \"arguments\": ");
    prompt.text(arguments_of(call)).text("}\n").optional_mark("</tool_call>");
  }
}

void add_qwen_result(PromptBuilder& prompt, ChatMessages messages, size_t i) {
  if (i == 0 || messages[i - 1].role != "tool") prompt.mark("<|im_start|>").text("user");
  prompt.text("\n").optional_mark("<tool_response>").text("\n").text(messages[i].content).text("\n");
  prompt.optional_mark("</tool_response>");
  if (i + 1 == messages.size() || messages[i + 1].role != "tool") prompt.mark("<|im_end|>").text("\n");
}

void add_llama3_header(PromptBuilder& prompt, std::string_view role) {
  prompt.mark("<|start_header_id|>").text(role).mark("<|end_header_id|>").text("\n\n");
}

ChatMessages add_llama3_tools(PromptBuilder& prompt, ChatMessages messages, const ToolTexts& tools) {
  add_llama3_header(prompt, "system");
  prompt.text("Environment: ipython\n\n");
  if (messages.front().role == "system") {
    prompt.text(trim(messages.front().content));
    messages = messages.subspan(1);
  }
  prompt.mark("<|eot_id|>");
  add_llama3_header(prompt, "user");
  prompt.text("Given the following functions, please respond with a JSON for a function call with its proper arguments "
              "that best answers the given prompt.\n\nRespond in the format {\"name\": function name, \"parameters\": "
              "dictionary of argument name and its value}.Do not use variables.\n\n");
  for (const std::string& tool : tools) prompt.text(tool).text("\n\n");
  if (!messages.empty()) {
    prompt.text(trim(messages.front().content));
    messages = messages.subspan(1);
  }
  prompt.mark("<|eot_id|>");
  return messages;
}

// A result stands there as a JSON text, since the template takes it for a list of characters.
void add_llama3_content(PromptBuilder& prompt, const ChatMessage& message) {
  if (message.role == "tool") {
    prompt.text(quoted_json(message.content));
  } else if (!message.tool_calls.empty()) {
    const ChatToolCall& call = message.tool_calls.front();
    prompt.text("{\"name\": ").text(quoted_json(call.name));
    prompt.text(", \"parameters\": ").text(arguments_of(call)).text("}");
  } else {
    prompt.text(trim(message.content));
  }
}

}  // namespace docmind::tokenizer
