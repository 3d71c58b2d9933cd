// What becomes of texts and answers in Ollama's form: lines of JSON, or one object.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "server/choice_text.h"
#include "server/documents_chat.h"
#include "server/exchange.h"
#include "server/stream_pump.h"

namespace docmind::server {

inline constexpr std::string_view kNdjsonContentType = "application/x-ndjson";

struct OllamaForm {
  std::string model;     // as the client named it
  bool chat = true;      // /api/chat; else /api/generate
  bool stream = true;
  ChoiceForm choice = {};
};

[[nodiscard]] std::unique_ptr<TextReader> ollama_reader(ExchangePtr exchange, OllamaForm form);
[[nodiscard]] std::shared_ptr<AnswerReader> ollama_answer_reader(ExchangePtr exchange, OllamaForm form,
                                                                 std::string collection);
// Nothing was asked: the model is loaded ("load"), or would be given back ("unload").
void send_ollama_nothing(const ExchangePtr& exchange, const OllamaForm& form, std::string_view reason);

}  // namespace docmind::server
