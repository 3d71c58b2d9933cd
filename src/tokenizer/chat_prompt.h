// A chat prompt in parts: marks of the model's family, and text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
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

Result<ChatPrompt> build_chat_prompt(ChatFamily family, std::span<const ChatMessage> messages,
                                     const ChatOptions& options);

}  // namespace docmind::tokenizer
