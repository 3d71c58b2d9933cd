// Outcomes of generated texts, in words and numbers that all dialects share.
// SPDX-License-Identifier: Apache-2.0
#include "server/outcome.h"

#include <algorithm>

#include <fmt/format.h>

namespace docmind::server {

std::string_view finish_word(engine::FinishReason reason, bool has_calls) {
  if (has_calls && reason == engine::FinishReason::kStop) return "tool_calls";
  return reason == engine::FinishReason::kStop ? "stop" : "length";
}

std::optional<ApiError> failure_of(const Result<engine::Generation>& outcome) {
  if (!outcome.ok()) {
    if (outcome.error().code != ErrorCode::kCancelled) return api_error(outcome.error());
  } else if (outcome->finish == engine::FinishReason::kDeadline && outcome->n_completion_tokens == 0) {
    return ApiError{.status = 504, .message = "the time that the request allows was over before its first token",
                    .type = "timeout", .code = "deadline_exceeded"};
  } else if (outcome->finish != engine::FinishReason::kCancelled) {
    return std::nullopt;
  }
  // The client left, and nobody reads this; or the server stops.
  return ApiError{.status = 503, .message = "the text was stopped before its end", .type = "server_error",
                  .code = "cancelled"};
}

std::string text_trace(std::span<const engine::Generation> texts) {
  double queue = 0, prefill = 0, first = 0, decode = 0;
  for (const engine::Generation& text : texts) {
    queue = std::max(queue, text.queue_ms);
    prefill = std::max(prefill, text.prefill_ms);
    first = std::max(first, text.first_token_ms);
    decode = std::max(decode, text.decode_ms);
  }
  return fmt::format("queue={:.2f};prefill={:.2f};first_token={:.2f};decode={:.2f}", queue, prefill, first, decode);
}

TokenUsage usage_of(std::span<const engine::Generation> texts, size_t n_prompts) {
  TokenUsage usage;
  for (const engine::Generation& text : texts) usage.n_completion += text.n_completion_tokens;
  const size_t n_each = std::max<size_t>(1, texts.size() / std::max<size_t>(1, n_prompts));
  for (size_t first = 0; first < texts.size(); first += n_each) {
    const auto group = texts.subspan(first, std::min(n_each, texts.size() - first));
    usage.n_prompt += group.front().n_prompt_tokens;
    // The first text to be admitted read the prompt; the others had it from there.
    usage.n_cached += std::ranges::min(group, {}, &engine::Generation::n_reused_tokens).n_reused_tokens;
  }
  return usage;
}

}  // namespace docmind::server
