// Chat templates: messages to the prompt text of a model family.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace docmind::tokenizer {

// Mistral has a space before [/INST] up to v0.2 (kMistralV1) and none from v0.3 on. Llama 3 is without
// the date that the templates of 3.1 put before the system message; ChatML without Qwen2.5's own
// system message.
enum class ChatFamily { kChatMl, kQwen3, kLlama2, kLlama3, kMistral, kMistralV1, kGemma };
[[nodiscard]] std::string_view chat_family_name(ChatFamily family);

struct ChatToolCall {
  std::string_view name;
  std::string_view arguments;  // the text of a JSON object; empty: {}
};

struct ChatMessage {
  std::string_view role;  // "system", "user", "assistant"; "tool": what a call has given
  std::string_view content;
  std::span<const ChatToolCall> tool_calls = {};  // of the assistant, beside its content
};

// Recognises the family from the model's template (GGUF tokenizer.chat_template); kUnsupported says
// what is supported and how to go on.
[[nodiscard]] Result<ChatFamily> recognise_chat_family(std::string_view chat_template);

// Whether prompts of the family can have tools, calls and their results: ChatML and Qwen3 as Qwen's templates have
// them (<tools>, <tool_call>, <tool_response>), Llama 3 as that of 3.1 has them (JSON). Whether a model was trained
// for it, its own template says.
[[nodiscard]] bool supports_tools(ChatFamily family);

struct ChatOptions {
  bool add_generation_prompt = true;
  bool thinking = false;  // Qwen3: off puts an empty thought before the answer
  // Functions that the model may call, each as the text of a JSON object: {"type": "function", "function": {"name",
  // "description", "parameters"}}. Only for families of supports_tools(); others are refused with kUnsupported.
  std::vector<std::string> tools = {};
};

// The token ids of a conversation: one system message at most, which comes first, then user and
// assistant; Llama 2, Mistral and Gemma want these in turn, beginning with the user. kInvalidArgument
// names a message that does not fit, kMismatch a mark of the family that the vocabulary lacks. The
// family's own marks become control tokens; the contents are encoded with parse_special off, so that
// nothing in them can become one.
[[nodiscard]] Result<std::vector<TokenId>> encode_chat(const Tokenizer& tokenizer, ChatFamily family,
                                                       std::span<const ChatMessage> messages,
                                                       const ChatOptions& options);
// The same as text, for people and for tests.
[[nodiscard]] Result<std::string> render_chat(ChatFamily family, std::span<const ChatMessage> messages,
                                              const ChatOptions& options);

}  // namespace docmind::tokenizer
