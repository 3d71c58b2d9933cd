// Chat: a conversation with a language model, turn by turn.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/text_model.h"

namespace docmind::cli {

struct ChatSettings {
  std::string system = {};  // empty: none
  engine::GenerateOptions generate;
  bool thinking = false;
};

// What the model says: part of a thought or of the answer; returning false stops it.
using ChatSink = std::function<bool(bool thought, std::string_view piece)>;

// The model is borrowed. Control characters of its text are left out.
class Chat {
 public:
  Chat(engine::TextModel& model, ChatSettings settings) : model_(model), settings_(std::move(settings)) {}

  struct Turn {
    engine::Generation generation;
    size_t n_forgotten = 0;  // earlier turns that had no more room in the context
  };
  // Answers, and remembers both; a stopped answer as far as it came. After an error the
  // conversation is what it was.
  Result<Turn> say(std::string_view message, const ChatSink& sink, const CancelToken& cancel);
  // Forgets all turns.
  void clear() { turns_.clear(); }

 private:
  struct Message {
    std::string user;
    std::string assistant;
  };
  Result<std::vector<engine::TokenId>> prompt() const;

  engine::TextModel& model_;
  ChatSettings settings_;
  std::vector<Message> turns_;
};

}  // namespace docmind::cli
