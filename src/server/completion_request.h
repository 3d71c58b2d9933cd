// CompletionRequest: the body of POST /v1/completions, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/generation_fields.h"

namespace docmind::server {

inline constexpr size_t kMaxPrompts = 128;
// What to tell a client that sends ids of another tokenizer's vocabulary.
inline constexpr std::string_view kSendText =
    "must be text, not token ids: those of tiktoken mean nothing in this model's vocabulary";

struct CompletionRequest {
  std::string model;
  std::vector<std::string> prompts;  // each gets generation.n texts
  GenerationFields generation;
  bool echo = false;  // the prompt stands before the text
};

[[nodiscard]] std::optional<CompletionRequest> parse_completion_request(std::string_view body, int64_t max_tokens,
                                                                        ApiError& error);

}  // namespace docmind::server
