// Requests of Ollama's native interface, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/chat_request.h"

namespace docmind::server {

// What chat and generate have in common, beside ChatRequest's fields.
struct OllamaOptions {
  std::optional<int64_t> n_ctx = {};  // that the client counts on
  bool unload = false;                // keep_alive 0 with nothing to do
};

struct OllamaChat {
  ChatRequest chat;  // `stream` is true where it is absent; no turns: the client wants the model loaded
  OllamaOptions options;
};
[[nodiscard]] std::optional<OllamaChat> parse_ollama_chat(std::string_view body, int64_t max_tokens, ApiError& error);

// A prompt by itself (raw), or as a conversation of one turn.
struct OllamaGenerate {
  ChatRequest chat;
  OllamaOptions options;
  std::string prompt;
  bool raw = false;
};
[[nodiscard]] std::optional<OllamaGenerate> parse_ollama_generate(std::string_view body, int64_t max_tokens,
                                                                  ApiError& error);

}  // namespace docmind::server
