// Chat: a conversation with a language model, turn by turn.
// SPDX-License-Identifier: Apache-2.0
#include "cli/chat.h"

#include <algorithm>
#include <utility>

#include "providers/quote.h"
#include "providers/thought_filter.h"

namespace docmind::cli {
namespace {

// At least this part of the context stays free for the answer, if one may be that long.
constexpr int64_t kAnswerShare = 4;

}  // namespace

Result<std::vector<engine::TokenId>> Chat::prompt() const {
  std::vector<tokenizer::ChatMessage> messages;
  if (!settings_.system.empty()) messages.push_back({"system", settings_.system});
  for (const Message& turn : turns_) {
    messages.push_back({"user", turn.user});
    if (&turn != &turns_.back()) messages.push_back({"assistant", turn.assistant});
  }
  return model_.encode_chat(messages, {.add_generation_prompt = true, .thinking = settings_.thinking});
}

Result<Chat::Turn> Chat::say(std::string_view message, const ChatSink& sink, const CancelToken& cancel) {
  const std::vector<Message> before = turns_;
  turns_.push_back({std::string(message), {}});
  const auto answer = [&]() -> Result<Turn> {
    Turn turn;
    const int64_t n_answer = std::min(settings_.generate.max_tokens, model_.n_context() / kAnswerShare);
    DM_ASSIGN(std::vector<engine::TokenId> tokens, prompt());
    while (turns_.size() > 1 && static_cast<int64_t>(tokens.size()) > model_.n_context() - n_answer) {
      turns_.erase(turns_.begin());
      ++turn.n_forgotten;
      DM_ASSIGN(tokens, prompt());
    }
    providers::ThoughtFilter thoughts;
    const auto show = [&](const providers::ThoughtFilter::Parts& parts) {
      const std::string thought = providers::visible_text(parts.thought);
      const std::string text = providers::visible_text(parts.answer);
      turns_.back().assistant += text;
      return (thought.empty() || sink(true, thought)) && (text.empty() || sink(false, text));
    };
    DM_ASSIGN(turn.generation,
              model_.generate(tokens, settings_.generate,
                              [&](std::string_view piece) { return show(thoughts.feed(piece)); }, cancel));
    show(thoughts.finish());
    return turn;
  };
  Result<Turn> turn = answer();
  if (!turn.ok()) turns_ = before;
  return turn;
}

}  // namespace docmind::cli
