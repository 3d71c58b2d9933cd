// Batch: a small decoder with sequences of one cache, for tests of forward passes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/model_fixture.h"

namespace docmind::test {

using Logits = std::vector<float>;
using SequencePtr = std::unique_ptr<kv::Sequence>;

class Batch {
 public:
  static constexpr int64_t kVocabulary = 320;
  static constexpr int64_t kMaxTokens = 512;

  Batch(const ModelSpec& spec, kv::Format format, const std::string& isa = "auto")
    : decoder_(spec, {.max_batch_tokens = kMaxTokens, .isa = isa}),
      cache_(new_cache(*decoder_, {.format = format})),
      pass_(pass()) {}

  model::Decoder& decoder() { return *decoder_; }
  std::unique_ptr<model::ForwardPass> pass() { return require(decoder_->new_pass(kMaxTokens)); }
  SequencePtr sequence(int64_t capacity = 512) { return require(cache_->new_sequence(capacity)); }

  void run(std::span<const model::BatchItem> items, model::PassKind kind);
  // The tokens in prefill passes of `piece` each; the logits of the last `n_logits`, 1 or all of them.
  Logits prefill(kv::Sequence& sequence, std::span<const TokenId> tokens, int64_t piece, size_t n_logits);
  Logits decode(kv::Sequence& sequence, TokenId token);

  // Prompts of these lengths, then `n_steps` tokens of each: the logits of every step of every sequence.
  std::vector<Logits> decode_alone(const std::vector<int64_t>& lengths, int64_t n_steps);
  // The same in passes over all of them; `between` is called with the step after each.
  std::vector<Logits> decode_together(const std::vector<int64_t>& lengths, int64_t n_steps,
                                      const std::function<void(int64_t)>& between = {});

 private:
  SequencePtr prompted(int64_t length);

  LoadedDecoder decoder_;
  std::unique_ptr<kv::Cache> cache_;
  std::unique_ptr<model::ForwardPass> pass_;
};

}  // namespace docmind::test
