// Outcomes of generated texts, in words and numbers that all dialects share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/generation.h"
#include "server/openai_chunks.h"
#include "server/status_map.h"

namespace docmind::server {

// "stop", "length" or "tool_calls".
[[nodiscard]] std::string_view finish_word(engine::FinishReason reason, bool has_calls);
// What is to be told instead of a text: the engine's error, or that the deadline came before the first token.
[[nodiscard]] std::optional<ApiError> failure_of(const Result<engine::Generation>& outcome);
// "queue=0.10;prefill=12.00;first_token=12.30;decode=80.00" of the slowest text, in ms; for x-docmind-trace.
[[nodiscard]] std::string text_trace(std::span<const engine::Generation> texts);
// Each of the `n_prompts` counts once, however many texts were made of it.
[[nodiscard]] TokenUsage usage_of(std::span<const engine::Generation> texts, size_t n_prompts);

}  // namespace docmind::server
