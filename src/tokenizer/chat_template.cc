// Chat templates: which family a model's template is of.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/chat_template.h"

#include <optional>

#include <fmt/format.h>

#include "tokenizer/chat_prompt.h"

namespace docmind::tokenizer {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

std::string_view chat_family_name(ChatFamily family) {
  switch (family) {
    case ChatFamily::kChatMl: return "ChatML";
    case ChatFamily::kQwen3: return "Qwen3";
    case ChatFamily::kLlama2: return "Llama 2";
    case ChatFamily::kLlama3: return "Llama 3";
    case ChatFamily::kMistral: return "Mistral";
    case ChatFamily::kMistralV1: return "Mistral v0.1";
    case ChatFamily::kGemma: return "Gemma";
  }
  return "unknown";
}

bool supports_tools(ChatFamily family) {
  return family == ChatFamily::kChatMl || family == ChatFamily::kQwen3 || family == ChatFamily::kLlama3;
}

Result<ChatFamily> recognise_chat_family(std::string_view chat_template) {
  if (has(chat_template, "<|im_start|>")) {
    return has(chat_template, "enable_thinking") ? ChatFamily::kQwen3 : ChatFamily::kChatMl;
  }
  if (has(chat_template, "<|start_header_id|>") && has(chat_template, "<|eot_id|>")) return ChatFamily::kLlama3;
  if (has(chat_template, "<start_of_turn>")) return ChatFamily::kGemma;
  // Mistral's later formats have a system mark of their own; a template of theirs is none of these.
  if (has(chat_template, "[INST]") && !has(chat_template, "[SYSTEM_PROMPT]")) {
    if (has(chat_template, "<<SYS>>")) return ChatFamily::kLlama2;
    return has(chat_template, " [/INST]") ? ChatFamily::kMistralV1 : ChatFamily::kMistral;
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("the model's chat template ({} bytes) is of no known family; known are ChatML, Qwen3, "
                           "Llama 2, Llama 3, Mistral and Gemma. Use a model of one of them, or serve this one with "
                           "llama.cpp and connect to it",
                           chat_template.size())};
}

Result<std::string> render_chat(ChatFamily family, std::span<const ChatMessage> messages,
                                const ChatOptions& options) {
  DM_ASSIGN(const ChatPrompt prompt, build_chat_prompt(family, messages, options));
  std::string text;
  for (const ChatPart& part : prompt) text += part.text;
  return text;
}

Result<std::vector<TokenId>> encode_chat(const Tokenizer& tokenizer, ChatFamily family,
                                         std::span<const ChatMessage> messages, const ChatOptions& options) {
  DM_ASSIGN(const ChatPrompt prompt, build_chat_prompt(family, messages, options));
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  std::vector<TokenId> tokens;
  std::string plain;  // text since the last mark: it is encoded as a whole, as the model's own tokenizer does
  const auto end_plain = [&] {
    if (plain.empty()) return;
    const std::vector<TokenId> encoded = tokenizer.encode(plain, {.add_special = false, .parse_special = false});
    tokens.insert(tokens.end(), encoded.begin(), encoded.end());
    plain.clear();
  };
  for (const ChatPart& part : prompt) {
    std::optional<TokenId> token;
    switch (part.kind) {
      case ChatPart::Kind::kText: break;
      case ChatPart::Kind::kMark:
      case ChatPart::Kind::kOptionalMark: token = tokenizer.find(part.text); break;
      case ChatPart::Kind::kBos: token = vocabulary.bos; break;
      case ChatPart::Kind::kEos: token = vocabulary.eos; break;
    }
    if (token) {
      end_plain();
      tokens.push_back(*token);
    } else if (part.kind == ChatPart::Kind::kText || part.kind == ChatPart::Kind::kOptionalMark) {
      plain += part.text;
    } else {
      return Error{ErrorCode::kMismatch, fmt::format("the vocabulary has no token '{}', which prompts of the family "
                                                     "{} need; is the model's chat template its own?",
                                                     part.text, chat_family_name(family))};
    }
  }
  end_plain();
  return tokens;
}

}  // namespace docmind::tokenizer
