// start_texts: hands the prompts of one request to the engine, and their texts to a reader.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "pipeline/service.h"
#include "server/routes.h"
#include "server/stream_pump.h"
#include "server/text_prompt.h"

namespace docmind::server {

// Whom the texts are for and until when.
struct TextCall {
  ExchangePtr exchange;
  int64_t n = 1;               // texts of each prompt, which is read once
  bool stream = false;         // somebody waits for each word
  int64_t time_left_ms = 0;
};

// Nothing when they run: the reader answers. Otherwise what to answer; text number i of prompt p is p * n + i.
[[nodiscard]] std::optional<ApiError> start_texts(pipeline::Service& service, StreamPump& pump, const TextCall& call,
                                                  std::vector<PreparedText> prompts,
                                                  std::unique_ptr<TextReader> reader);

// Of the language model and all that changes its words, for "system_fingerprint".
[[nodiscard]] std::string fingerprint_of(const engine::TextModel& model);

}  // namespace docmind::server
