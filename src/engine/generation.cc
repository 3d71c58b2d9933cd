// Generation: what a prompt is continued with, how, and what it cost.
// SPDX-License-Identifier: Apache-2.0
#include "engine/generation.h"

namespace docmind::engine {
namespace {

double per_second(int64_t n, double ms) { return ms > 0 ? static_cast<double>(n) * 1000 / ms : 0; }

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
    case FinishReason::kDeadline: return "deadline";
  }
  return "";
}

double Generation::prefill_tps() const {
  return per_second(n_prompt_tokens - n_reused_tokens, prefill_ms);
}

double Generation::decode_tps() const { return per_second(n_completion_tokens - 1, decode_ms); }

}  // namespace docmind::engine
