// OpenAiChunks: the events of a streamed chat or completion, with all that stays the same built once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/choice_text.h"

namespace docmind::server {

// Tokens of a response.
struct TokenUsage {
  int64_t n_prompt = 0;
  int64_t n_cached = 0;     // of the prompt, known from before
  int64_t n_completion = 0;
  int64_t n_thought = 0;    // of the completion; 0 where none were counted
};
[[nodiscard]] json::object usage_object(const TokenUsage& usage);

// Who a response comes from; the same in all its chunks.
struct ResponseHead {
  std::string id;
  std::string object;  // "chat.completion.chunk"
  int64_t created = 0;  // unix seconds
  std::string model;
  std::string fingerprint;  // of the model and its settings; empty: none
};
[[nodiscard]] json::object head_object(const ResponseHead& head);
[[nodiscard]] json::array tool_calls_array(std::span<const MadeToolCall> calls, int64_t first_index, bool with_index);

// Appends events to a text; free of any model. `logprobs` is JSON text, "null" without.
class OpenAiChunks {
 public:
  OpenAiChunks(const ResponseHead& head, bool include_usage);

  void role(std::string& out, size_t choice) const;
  void content(std::string& out, size_t choice, std::string_view text, std::string_view logprobs = "null") const;
  void thought(std::string& out, size_t choice, std::string_view text) const;
  void tool_calls(std::string& out, size_t choice, std::span<const MadeToolCall> calls, int64_t first_index) const;
  // The last one of a choice. `extension`: a member for the chunk's top level, as JSON ("" for none).
  void end(std::string& out, size_t choice, std::string_view finish_reason, std::string_view extension = {}) const;

  // Of /v1/completions, whose choices have "text". `finish_reason` empty: not the last one.
  void text(std::string& out, size_t choice, std::string_view text, std::string_view logprobs,
            std::string_view finish_reason, std::string_view extension = {}) const;

  // Without choices; only where the client asked for it.
  void usage(std::string& out, const TokenUsage& usage) const;
  static void done(std::string& out) { out += "data: [DONE]\n\n"; }

 private:
  void begin(std::string& out, size_t choice) const;

  std::string head_;   // up to the choice's index
  std::string tail_;   // after the choices
  std::string bare_;   // up to the choices
  bool include_usage_ = false;
};

}  // namespace docmind::server
