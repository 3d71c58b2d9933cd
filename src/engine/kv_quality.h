// Measures what a KV format costs: a text's logits with it against the same text's with exact keys and values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "kernels/kernels.h"
#include "kv/cache.h"
#include "model/decoder.h"

namespace docmind::engine {

// A way to keep keys and values.
struct KvVariant {
  std::string name;
  kv::FormatOptions format;
  // Called after each piece of 64 tokens, for schemes of others that change exact blocks; may be empty.
  std::function<void(const kv::Sequence& sequence)> after_piece = {};
};

// Over all tokens but the first; the KL divergence is of the variant's next-token distribution from the exact one.
struct KvQuality {
  std::string name;
  int64_t n_tokens = 0;
  double mean_kl = 0;
  double worst_kl = 0;
  double same_top = 0;          // share of tokens with the same likeliest successor, 0..1
  double perplexity = 0;        // of the text
  double exact_perplexity = 0;  // the same with exact keys and values
  [[nodiscard]] double perplexity_ratio() const { return perplexity / exact_perplexity; }
};

// Runs the text `tokens`, all of it one context, through the model with every variant side by side.
// kInvalidArgument for fewer than 2 tokens; the model must not be used by others meanwhile.
[[nodiscard]] Result<std::vector<KvQuality>> measure_kv_quality(model::Decoder& decoder,
                                                                const kernels::KernelTable& table,
                                                                std::span<const model::TokenId> tokens,
                                                                std::span<const KvVariant> variants,
                                                                const CancelToken& cancel);

// The mean of several texts' results, name by name, weighted by tokens; all have the same variants.
[[nodiscard]] std::vector<KvQuality> combine(std::span<const std::vector<KvQuality>> texts);

}  // namespace docmind::engine
