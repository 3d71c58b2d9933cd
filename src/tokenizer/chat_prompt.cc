// Chat prompts: each family's own format, after the templates that its models come with.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chat_prompt.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "tokenizer/chat_tools.h"

namespace docmind::tokenizer {
namespace {

using Messages = std::span<const ChatMessage>;

// Jinja's lstrip and trim of one character and of white space.
std::string_view strip_front(std::string_view text, char c) {
  while (text.starts_with(c)) text.remove_prefix(1);
  return text;
}
std::string_view strip_both(std::string_view text, char c) {
  text = strip_front(text, c);
  while (text.ends_with(c)) text.remove_suffix(1);
  return text;
}

Status check_tools(ChatFamily family, Messages messages, const ChatOptions& options) {
  if (supports_tools(family)) return {};
  const bool has_calls = std::ranges::any_of(messages, [](const ChatMessage& message) {
    return message.role == "tool" || !message.tool_calls.empty();
  });
  if (options.tools.empty() && !has_calls) return {};
  return Error{ErrorCode::kUnsupported,
               fmt::format("the conversation has tools, and prompts of the family {} know none",
                           chat_family_name(family))};
}

Status check_roles(Messages messages, bool in_turn) {
  if (messages.empty()) return Error{ErrorCode::kInvalidArgument, "a conversation needs at least one message"};
  size_t n_turns = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string_view role = messages[i].role;
    if (role == "system" && i == 0) continue;
    if (role == "tool" && i > 0) continue;
    if (role != "user" && role != "assistant") {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("message {} of the conversation has the role '{}'; expected is 'user' or 'assistant', "
                               "'system' for the first or 'tool' for a later one",
                               i + 1, printable(role))};
    }
    const std::string_view expected = n_turns++ % 2 == 0 ? "user" : "assistant";
    if (in_turn && role != expected) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("message {} of the conversation is from '{}', but this model's conversations go from "
                               "user to assistant in turn, and the next is '{}'",
                               i + 1, role, expected)};
    }
  }
  if (in_turn && n_turns == 0) return Error{ErrorCode::kInvalidArgument, "a conversation needs a message from 'user'"};
  return {};
}

ChatPrompt chat_ml(Messages messages, const ChatOptions& options, const ToolTexts& tools) {
  PromptBuilder prompt;
  messages = add_qwen_system(prompt, messages, tools);
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    if (message.role == "tool") {
      add_qwen_result(prompt, messages, i);
      continue;
    }
    prompt.mark("<|im_start|>").text(message.role);
    if (message.tool_calls.empty() || !message.content.empty()) prompt.text("\n").text(message.content);
    add_qwen_calls(prompt, message.tool_calls, true);
    prompt.mark("<|im_end|>").text("\n");
  }
  if (options.add_generation_prompt) prompt.mark("<|im_start|>").text("assistant\n");
  return prompt.take();
}

// An answer of Qwen3 with its thought: kept after the last question, dropped before.
void add_qwen3_answer(PromptBuilder& prompt, std::string_view content, bool after_last_question, bool last) {
  std::string_view thought;
  if (const size_t end = content.rfind("</think>"); end != std::string_view::npos) {
    thought = content.substr(0, content.find("</think>"));
    if (const size_t start = thought.rfind("<think>"); start != std::string_view::npos) thought.remove_prefix(start + 7);
    thought = strip_both(thought, '\n');
    content = strip_front(content.substr(end + 8), '\n');
  }
  if (after_last_question && (last || !thought.empty())) {
    prompt.optional_mark("<think>").text("\n").text(thought).text("\n").optional_mark("</think>").text("\n\n");
    content = strip_front(content, '\n');
  }
  prompt.text(content);
}

ChatPrompt qwen3(Messages messages, const ChatOptions& options, const ToolTexts& tools) {
  PromptBuilder prompt;
  messages = add_qwen_system(prompt, messages, tools);
  size_t last_question = messages.empty() ? 0 : messages.size() - 1;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role == "user") last_question = i;
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role == "tool") {
      add_qwen_result(prompt, messages, i);
      continue;
    }
    prompt.mark("<|im_start|>").text(messages[i].role).text("\n");
    if (messages[i].role == "assistant") {
      add_qwen3_answer(prompt, messages[i].content, i > last_question, i + 1 == messages.size());
      add_qwen_calls(prompt, messages[i].tool_calls, !messages[i].content.empty());
    } else {
      prompt.text(messages[i].content);
    }
    prompt.mark("<|im_end|>").text("\n");
  }
  if (options.add_generation_prompt) {
    prompt.mark("<|im_start|>").text("assistant\n");
    if (!options.thinking) prompt.optional_mark("<think>").text("\n\n").optional_mark("</think>").text("\n\n");
  }
  return prompt.take();
}

ChatPrompt llama2(Messages messages) {
  PromptBuilder prompt;
  std::string system;
  if (messages[0].role == "system") {
    system = fmt::format("<<SYS>>\n{}\n<</SYS>>\n\n", messages[0].content);
    messages = messages.subspan(1);
  }
  for (const ChatMessage& message : messages) {
    if (message.role == "user") {
      const std::string content = system + std::string(message.content);
      prompt.bos("<s>").text("[INST] ").text(trim(content)).text(" [/INST]");
      system.clear();
    } else {
      prompt.text(" ").text(trim(message.content)).text(" ").eos("</s>");
    }
  }
  return prompt.take();
}

ChatPrompt llama3(Messages messages, const ChatOptions& options, const ToolTexts& tools) {
  PromptBuilder prompt;
  prompt.bos("<|begin_of_text|>");
  if (!tools.empty()) messages = add_llama3_tools(prompt, messages, tools);
  for (const ChatMessage& message : messages) {
    add_llama3_header(prompt, message.role == "tool" ? "ipython" : message.role);
    add_llama3_content(prompt, message);
    prompt.mark("<|eot_id|>");
  }
  if (options.add_generation_prompt) add_llama3_header(prompt, "assistant");
  return prompt.take();
}

// The system message stands before the last question (v0.3).
ChatPrompt mistral(Messages messages, bool v1) {
  PromptBuilder prompt;
  prompt.bos("<s>");
  std::string system;
  if (messages[0].role == "system") {
    system = std::string(messages[0].content) + "\n\n";
    messages = messages.subspan(1);
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role == "user") {
      prompt.optional_mark("[INST]").text(" ");
      if (i + 1 == messages.size()) prompt.text(system);
      prompt.text(messages[i].content).text(v1 ? " " : "").optional_mark("[/INST]");
    } else {
      if (v1) prompt.text(messages[i].content);
      else prompt.text(" ").text(trim(messages[i].content));
      prompt.eos("</s>");
    }
  }
  return prompt.take();
}

// The system message stands before the first question (Gemma 3; Gemma 1 and 2 know none).
ChatPrompt gemma(Messages messages, const ChatOptions& options) {
  PromptBuilder prompt;
  prompt.bos("<bos>");
  std::string system;
  if (messages[0].role == "system") {
    system = std::string(messages[0].content) + "\n\n";
    messages = messages.subspan(1);
  }
  for (const ChatMessage& message : messages) {
    const bool user = message.role == "user";
    prompt.mark("<start_of_turn>").text(user ? "user\n" : "model\n");
    prompt.text(std::exchange(system, {})).text(trim(message.content)).mark("<end_of_turn>").text("\n");
  }
  if (options.add_generation_prompt) prompt.mark("<start_of_turn>").text("model\n");
  return prompt.take();
}

}  // namespace

Result<ChatPrompt> build_chat_prompt(ChatFamily family, std::span<const ChatMessage> messages,
                                     const ChatOptions& options) {
  const bool any_order =
    family == ChatFamily::kChatMl || family == ChatFamily::kQwen3 || family == ChatFamily::kLlama3;
  DM_TRY(check_tools(family, messages, options));
  DM_TRY(check_roles(messages, !any_order));
  DM_ASSIGN(const ToolTexts tools, tool_texts(family, messages, options));
  switch (family) {
    case ChatFamily::kChatMl: return chat_ml(messages, options, tools);
    case ChatFamily::kQwen3: return qwen3(messages, options, tools);
    case ChatFamily::kLlama2: return llama2(messages);
    case ChatFamily::kLlama3: return llama3(messages, options, tools);
    case ChatFamily::kMistral: return mistral(messages, false);
    case ChatFamily::kMistralV1: return mistral(messages, true);
    case ChatFamily::kGemma: return gemma(messages, options);
  }
  return Error{ErrorCode::kInternal, "a chat family without a format"};
}

}  // namespace docmind::tokenizer
