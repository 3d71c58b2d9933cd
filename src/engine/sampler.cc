// Sampler: the next token from a row of logits.
// SPDX-License-Identifier: Apache-2.0
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace docmind::engine {
namespace {

using Candidate = Sampler::Candidate;

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr size_t kFirstSelection = 128;  // likeliest tokens that are tried before more, for top_p
constexpr size_t kSelectionGrowth = 8;

// A total order, so that equal logits give the same set everywhere.
bool likelier(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.token < b.token;
}

// The likeliest tokens sorted; n * log(k) at worst, one comparison a token as a rule.
void select_best(std::span<const float> scores, size_t k, std::vector<Candidate>& best) {
  best.clear();
  k = std::min(k, scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    if (best.size() == k && scores[i] <= best.front().score) continue;
    if (scores[i] == kNever) continue;
    if (best.size() == k) {
      std::pop_heap(best.begin(), best.end(), likelier);  // the unlikeliest of them is in front
      best.pop_back();
    }
    best.push_back({scores[i], static_cast<TokenId>(i)});
    std::push_heap(best.begin(), best.end(), likelier);
  }
  std::sort_heap(best.begin(), best.end(), likelier);
}

Status check_range(std::string_view field, double value, double min, double max) {
  if (value >= min && value <= max) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} cannot be {}; allowed: {} to {}", field, value, min, max)};
}

// Tokens whose bit is not set never come.
void leave_out_others(std::span<float> logits, std::span<const uint64_t> allowed) {
  constexpr size_t kBits = 64;
  for (size_t word = 0; word * kBits < logits.size(); ++word) {
    const uint64_t bits = word < allowed.size() ? allowed[word] : 0;
    if (bits == ~uint64_t{0}) continue;
    const size_t end = std::min(logits.size(), (word + 1) * kBits);
    for (size_t i = word * kBits; i < end; ++i) {
      if ((bits >> (i % kBits) & 1) == 0) logits[i] = kNever;
    }
  }
}

// Stafford's mix of SplitMix64 (Steele, Lea and Flood 2014) over a counter.
uint64_t mix(uint64_t seed, uint64_t counter) {
  uint64_t x = seed + 0x9e3779b97f4a7c15u * (counter + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

Status check(const SamplingOptions& options) {
  DM_TRY(check_range("temperature", options.temperature, 0, 100));
  DM_TRY(check_range("top_p", options.top_p, 0, 1));
  DM_TRY(check_range("min_p", options.min_p, 0, 1));
  DM_TRY(check_range("repetition_penalty", options.repetition_penalty, 0.01, 100));
  DM_TRY(check_range("presence_penalty", options.presence_penalty, -100, 100));
  return check_range("frequency_penalty", options.frequency_penalty, -100, 100);
}

Sampler::Sampler(SamplingOptions options, size_t n_vocab) : options_(std::move(options)) {
  const bool penalises = options_.repetition_penalty != 1 || options_.presence_penalty != 0 ||
                         options_.frequency_penalty != 0;
  if (penalises) uses_.resize(n_vocab);
  if (penalises && options_.penalty_window > 0) window_.reserve(options_.penalty_window);
}

Result<TokenId> Sampler::sample(std::span<float> logits, std::span<const uint64_t> allowed) {
  if (options_.n_top_logprobs) raw_.assign(logits.begin(), logits.end());
  if (!allowed.empty()) leave_out_others(logits, allowed);
  adjust(logits);
  TokenId likeliest = 0;
  float best = kNever;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > kNever) || logits[i] == -kNever) {
      logits[i] = kNever;  // not a number
    } else if (logits[i] > best) {
      best = logits[i];
      likeliest = static_cast<TokenId>(i);
    }
  }
  if (best == kNever) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("the model gives none of its {} tokens a probability; its weights are "
                             "damaged",
                             logits.size())};
  }
  TokenId token = likeliest;
  if (options_.temperature > 0) {
    collect(logits, best);
    token = draw(best);
  } else {
    candidates_.assign(1, {best, likeliest});
  }
  if (options_.n_top_logprobs) note_logprobs(token);
  use(token);
  return token;
}

void Sampler::adjust(std::span<float> logits) {
  for (const TokenBias& bias : options_.biases) {
    const auto token = static_cast<size_t>(bias.token);
    if (bias.token >= 0 && token < logits.size()) logits[token] += bias.bias;
  }
  // A token stands in the window as often as it was used; the first time it is met, its uses are
  // taken away so that it is not met again, and given back below.
  for (const TokenId token : window_) {
    float& logit = logits[static_cast<size_t>(token)];
    uint32_t& uses = uses_[static_cast<size_t>(token)];
    if (uses == 0) continue;
    const auto penalty = static_cast<float>(options_.repetition_penalty);
    logit = logit > 0 ? logit / penalty : logit * penalty;
    logit -= static_cast<float>(options_.presence_penalty + uses * options_.frequency_penalty);
    uses = 0;
  }
  for (const TokenId token : window_) ++uses_[static_cast<size_t>(token)];
}

// Log-softmax of the raw logits at the chosen token and at the likeliest ones.
void Sampler::note_logprobs(TokenId chosen) {
  double largest = -std::numeric_limits<double>::infinity();
  for (float& logit : raw_) {
    if (!std::isfinite(logit)) logit = kNever;
    largest = std::max<double>(largest, logit);
  }
  double sum = 0;
  for (const float logit : raw_) sum += std::exp(logit - largest);
  const double log_sum = largest + std::log(sum);
  logprob_ = raw_[static_cast<size_t>(chosen)] - log_sum;
  top_.clear();
  if (*options_.n_top_logprobs == 0) return;
  select_best(raw_, *options_.n_top_logprobs, likeliest_);
  for (const Candidate& candidate : likeliest_) {
    top_.push_back({candidate.token, candidate.score - log_sum});
  }
}

// The three cuts keep a beginning of the same order each, so the shortest of them is what stays.
void Sampler::collect(std::span<const float> scores, float best) {
  const auto has_min_p = [&](const Candidate& candidate) {
    return std::exp(static_cast<double>(candidate.score) - best) >= options_.min_p;
  };
  if (options_.top_k == 0 && options_.top_p >= 1) {
    candidates_.clear();
    for (size_t i = 0; i < scores.size(); ++i) {
      const Candidate candidate{scores[i], static_cast<TokenId>(i)};
      if (scores[i] > kNever && has_min_p(candidate)) candidates_.push_back(candidate);
    }
    return;
  }
  if (options_.top_k > 0) select_best(scores, options_.top_k, candidates_);
  const size_t n_kept = options_.top_p < 1 ? n_top_p(scores, best) : candidates_.size();
  candidates_.resize(n_kept);
  while (candidates_.size() > 1 && !has_min_p(candidates_.back())) candidates_.pop_back();
}

// How many candidates have the share top_p; of all tokens when top_k is off, and then the candidates
// are selected here, a few first since they are nearly always enough.
size_t Sampler::n_top_p(std::span<const float> scores, float best) {
  double total = 0;
  if (options_.top_k > 0) {
    for (const Candidate& candidate : candidates_) {
      total += std::exp(static_cast<double>(candidate.score) - best);
    }
  } else {
    for (const float score : scores) total += std::exp(static_cast<double>(score) - best);
    select_best(scores, kFirstSelection, candidates_);
  }
  for (size_t tried = kFirstSelection;; tried *= kSelectionGrowth) {
    double sum = 0;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      sum += std::exp(static_cast<double>(candidates_[i].score) - best);
      if (sum >= options_.top_p * total) return i + 1;
    }
    if (options_.top_k > 0 || tried >= scores.size()) return candidates_.size();
    select_best(scores, tried * kSelectionGrowth, candidates_);
  }
}

TokenId Sampler::draw(float best) {
  weights_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(
        std::exp((static_cast<double>(candidate.score) - best) / options_.temperature));
    total += weights_.back();
  }
  double rest = uniform() * total;
  for (size_t i = 0; i < weights_.size(); ++i) {
    rest -= weights_[i];
    if (rest < 0) return candidates_[i].token;
  }
  // Only rounding leads here: the last one that has a probability at all.
  size_t last = weights_.size() - 1;
  while (last > 0 && weights_[last] == 0) --last;
  return candidates_[last].token;
}

// [0, 1) in steps of 2^-53.
double Sampler::uniform() {
  return static_cast<double>(mix(options_.seed, n_draws_++) >> 11) * 0x1p-53;
}

void Sampler::use(TokenId token) {
  if (uses_.empty()) return;
  ++uses_[static_cast<size_t>(token)];
  if (options_.penalty_window == 0 || window_.size() < options_.penalty_window) {
    window_.push_back(token);
    return;
  }
  TokenId& slot = window_[oldest_];
  --uses_[static_cast<size_t>(slot)];
  slot = token;
  oldest_ = (oldest_ + 1) % window_.size();
}

}  // namespace docmind::engine
