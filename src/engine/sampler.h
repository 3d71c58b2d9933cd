// Sampler: the next token from a row of logits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "model/decoder.h"

namespace docmind::engine {

using model::TokenId;

struct TokenBias {
  TokenId token = 0;
  float bias = 0;  // added to the logit
};

// The steps are taken in the order of the fields: biases, penalties, top_k, top_p, min_p,
// temperature, draw. Penalties look at generated text only, so that quoting the prompt is free.
struct SamplingOptions {
  std::vector<TokenBias> biases;
  double repetition_penalty = 1;  // divides the logit (multiplies a negative one); 1: none
  double presence_penalty = 0;    // subtracted once from a token that was used
  double frequency_penalty = 0;   // subtracted once a use
  size_t penalty_window = 64;     // last generated tokens that count; 0: all
  size_t top_k = 0;               // only the k likeliest; 0: all
  double top_p = 1;               // the fewest likeliest that have this share; 1: all
  double min_p = 0;               // only tokens with this share of the likeliest's probability
  double temperature = 0;         // 0: always the likeliest token, the first of equals
  uint64_t seed = 0;
  // Log-probabilities of the chosen token and of this many likeliest; empty: none. They are the
  // model's own, before all steps.
  std::optional<size_t> n_top_logprobs;
};
// kInvalidArgument names the field, its value and its range.
[[nodiscard]] Status check(const SamplingOptions& options);

struct TokenLogprob {
  TokenId token = 0;
  double logprob = 0;
};

// One for each generated text; one thread at a time. Draw number n depends on the seed and n alone,
// by integer arithmetic, so the same seed and logits give the same tokens on every platform.
class Sampler {
 public:
  // The options must have passed check(); biases of tokens outside [0, n_vocab) do nothing.
  Sampler(SamplingOptions options, size_t n_vocab);

  // Chooses the next token and counts it as used; changes `logits` [n_vocab]. Allocates nothing
  // after the first call (with penalty_window 0, after the text's longest). Of `allowed`, bit n of its words is
  // token n's; before all steps the tokens without are left out. Empty: all are allowed. kMalformed when no logit
  // of an allowed token is a number.
  [[nodiscard]] Result<TokenId> sample(std::span<float> logits, std::span<const uint64_t> allowed = {});

  // Of the last sample(), if asked for; best first.
  [[nodiscard]] double logprob() const { return logprob_; }
  [[nodiscard]] std::span<const TokenLogprob> top_logprobs() const { return top_; }
  // The tokens that the last sample() could have chosen and their logits, for tests and inspection.
  struct Candidate {
    float score = 0;
    TokenId token = 0;
  };
  [[nodiscard]] std::span<const Candidate> candidates() const { return candidates_; }

 private:
  void adjust(std::span<float> logits);
  void note_logprobs(TokenId chosen);
  void collect(std::span<const float> scores, float best);
  size_t n_top_p(std::span<const float> scores, float best);
  TokenId draw(float best);
  double uniform();
  void use(TokenId token);

  SamplingOptions options_;
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;
  std::vector<uint32_t> uses_;   // [n_vocab] within the window; empty without penalties
  std::vector<TokenId> window_;  // a ring once it is full
  size_t oldest_ = 0;
  uint64_t n_draws_ = 0;
  std::vector<float> raw_;  // logits before all steps
  std::vector<Candidate> likeliest_;
  double logprob_ = 0;
  std::vector<TokenLogprob> top_;
};

}  // namespace docmind::engine
