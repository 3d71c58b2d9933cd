// GenerationFields: what chats and completions have in common, as OpenAI's clients send it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/generation.h"
#include "server/json_fields.h"

namespace docmind::server {

// Of what clients send; the rest is RouteOptions'.
inline constexpr size_t kMaxStopStrings = 16;
inline constexpr size_t kMaxStopBytes = 1 << 10;
inline constexpr int64_t kMaxTexts = 128;  // n
inline constexpr size_t kMaxModelNameBytes = 512;

struct GenerationFields {
  engine::GenerateOptions options;
  int64_t n = 1;
  bool stream = false;
  bool include_usage = false;  // a last chunk with the counts
};

// `max_tokens`: of an answer where the client names none or a larger number. A seed is drawn where there is none.
[[nodiscard]] GenerationFields read_generation_fields(JsonFields& fields, int64_t max_tokens);

// "stop": one text or a list; empty ones are none.
[[nodiscard]] std::vector<std::string> read_stop(JsonFields& fields);

}  // namespace docmind::server
