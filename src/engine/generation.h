// Generation: what a prompt is continued with, how, and what it cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampler.h"

namespace docmind::engine {

class Grammar;

struct GenerateOptions {
  SamplingOptions sampling;
  int64_t max_tokens = 512;
  std::vector<std::string> stop = {};  // the text ends before the first of them
  bool ignore_end = false;             // go on after the model's end marks, for measurements
  // What the text must look like (engine/grammar.h); null: anything. It begins with the text's first byte, so a chat
  // prompt must leave no room for a thought before it (ChatOptions::thinking off). Once nothing more can follow, the
  // text ends with kStop; max_tokens may end it before it is whole (kLength).
  std::shared_ptr<const Grammar> grammar = {};
};

// kDeadline: the request's time was over, before it began or in the middle.
enum class FinishReason { kStop, kLength, kCancelled, kDeadline };
[[nodiscard]] std::string_view finish_reason_name(FinishReason reason);  // "stop"

// One generated token with its log-probabilities.
struct ScoredToken {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};

struct Generation {
  std::string text;  // valid UTF-8; all that the sink got
  FinishReason finish = FinishReason::kStop;
  int64_t n_prompt_tokens = 0;
  int64_t n_reused_tokens = 0;      // of the prompt, whose keys and values were there already
  int64_t n_completion_tokens = 0;  // without an end mark
  double queue_ms = 0;              // until it was admitted
  double prefill_ms = 0;            // from there to the prompt's end, passes of other texts between included
  double decode_ms = 0;             // after the first token
  double first_token_ms = 0;        // from the call, waiting included
  // kv::format_settings of its sequence, "int4/64/128": another text, and it may have other words. Empty when it was
  // never admitted.
  std::string kv_settings = {};
  std::vector<ScoredToken> scored = {};  // if sampling.n_top_logprobs is set

  [[nodiscard]] double prefill_tps() const;
  [[nodiscard]] double decode_tps() const;
};

// Gets whole UTF-8 characters as they come; returning false ends the text (FinishReason::kCancelled).
using PieceSink = std::function<bool(std::string_view piece)>;

}  // namespace docmind::engine
