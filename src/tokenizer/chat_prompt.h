// A chat prompt in parts: marks of the model's family, and text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tokenizer/chat_template.h"

namespace docmind::tokenizer {

struct ChatPart {
  enum class Kind {
    kText,
    kMark,          // a control token that the vocabulary must have
    kOptionalMark,  // a token in some models of the family, plain text in others
    kBos,           // the vocabulary's own, whatever its text
    kEos,
  } kind = Kind::kText;
  std::string text;
};
using ChatPrompt = std::vector<ChatPart>;

class PromptBuilder {
 public:
  PromptBuilder& bos(std::string_view text) { return add(ChatPart::Kind::kBos, text); }
  PromptBuilder& eos(std::string_view text) { return add(ChatPart::Kind::kEos, text); }
  PromptBuilder& mark(std::string_view text) { return add(ChatPart::Kind::kMark, text); }
  PromptBuilder& optional_mark(std::string_view text) { return add(ChatPart::Kind::kOptionalMark, text); }
  PromptBuilder& text(std::string_view text) { return add(ChatPart::Kind::kText, text); }
  ChatPrompt take() { return std::move(prompt_); }

 private:
  PromptBuilder& add(ChatPart::Kind kind, std::string_view text) {
    prompt_.push_back({kind, std::string(text)});
    return *this;
  }
  ChatPrompt prompt_;
};

Result<ChatPrompt> build_chat_prompt(ChatFamily family, std::span<const ChatMessage> messages,
                                     const ChatOptions& options);

}  // namespace docmind::tokenizer
