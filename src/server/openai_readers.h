// What becomes of generated texts in OpenAI's form: a stream of events, or one object.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/choice_text.h"
#include "server/exchange.h"
#include "server/openai_chunks.h"
#include "server/stream_pump.h"
#include "server/token_logprobs.h"
#include "tokenizer/tokenizer.h"

namespace docmind::server {

// How the texts of a request are to be shown. The tokenizer outlives the readers.
struct OpenAiForm {
  ResponseHead head;
  bool chat = true;             // /v1/chat/completions; else /v1/completions
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
  size_t n_texts = 1;
  size_t n_prompts = 1;         // of which the texts were made, as many of each
  std::vector<std::string> echoes = {};  // [texts] that stand before each; empty: none
  ChoiceForm choice = {};
  const tokenizer::Tokenizer* tokenizer = nullptr;
};

[[nodiscard]] std::unique_ptr<TextReader> openai_reader(ExchangePtr exchange, OpenAiForm form);

}  // namespace docmind::server
