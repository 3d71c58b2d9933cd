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

struct ChatMessage {
  std::string_view role;  // "system", "user", "assistant"
  std::string_view content;
};

// Recognises the family from the model's template (GGUF tokenizer.chat_template); kUnsupported says
// what is supported and how to go on.
[[nodiscard]] Result<ChatFamily> recognise_chat_family(std::string_view chat_template);

struct ChatOptions {
  bool add_generation_prompt = true;
  bool thinking = false;  // Qwen3: off puts an empty thought before the answer
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
