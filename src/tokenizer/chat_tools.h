// Tools in chat prompts: declarations, calls and results, as the families' templates have them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "tokenizer/chat_prompt.h"

namespace docmind::tokenizer {

// The declarations as they stand in the prompt.
using ToolTexts = std::vector<std::string>;
// kInvalidArgument names a declaration that is none, or the arguments of a call in the conversation that are no JSON
// object.
[[nodiscard]] Result<ToolTexts> tool_texts(ChatFamily family, std::span<const ChatMessage> messages,
                                           const ChatOptions& options);

// --- ChatML and Qwen3 ---
// The system message with the tools, if there are any; the messages that are left.
std::span<const ChatMessage> add_qwen_system(PromptBuilder& prompt, std::span<const ChatMessage> messages,
                                             const ToolTexts& tools);
void add_qwen_calls(PromptBuilder& prompt, std::span<const ChatToolCall> calls, bool after_text);
// Results that follow each other share a turn.
void add_qwen_result(PromptBuilder& prompt, std::span<const ChatMessage> messages, size_t i);

// --- Llama 3 ---
void add_llama3_header(PromptBuilder& prompt, std::string_view role);
// The system message, and the tools before the first question; the messages that are left.
std::span<const ChatMessage> add_llama3_tools(PromptBuilder& prompt, std::span<const ChatMessage> messages,
                                              const ToolTexts& tools);
void add_llama3_content(PromptBuilder& prompt, const ChatMessage& message);

}  // namespace docmind::tokenizer
