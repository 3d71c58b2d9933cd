// Batch: a small decoder with sequences of one cache, for tests of forward passes.
// SPDX-License-Identifier: Apache-2.0
#include "model/batch_fixture.h"

#include <algorithm>

namespace docmind::test {

using model::BatchItem;
using model::PassKind;

namespace {

TokenId step_token(int64_t length, int64_t step) {
  return static_cast<TokenId>((31 * length + 7 * step) % Batch::kVocabulary);
}

}  // namespace

void Batch::run(std::span<const BatchItem> items, PassKind kind) {
  require(pass_->start(items, kind));
  while (!pass_->advance(1)) continue;
}

Logits Batch::prefill(kv::Sequence& sequence, std::span<const TokenId> tokens, int64_t piece, size_t n_logits) {
  Logits logits(n_logits * kVocabulary);
  std::span<float> left = logits;
  while (!tokens.empty()) {
    const auto part = tokens.first(std::min(static_cast<size_t>(piece), tokens.size()));
    tokens = tokens.subspan(part.size());
    const size_t n_rows = n_logits > 1 ? part.size() : tokens.empty() ? n_logits : 0;
    const BatchItem item{&sequence, part, left.first(n_rows * kVocabulary)};
    left = left.subspan(item.logits.size());
    run({&item, 1}, PassKind::kPrefill);
  }
  return logits;
}

Logits Batch::decode(kv::Sequence& sequence, TokenId token) {
  Logits logits(kVocabulary);
  const BatchItem item{&sequence, {&token, 1}, logits};
  run({&item, 1}, PassKind::kDecode);
  return logits;
}

SequencePtr Batch::prompted(int64_t length) {
  SequencePtr result = sequence();
  prefill(*result, random_tokens(length, kVocabulary, static_cast<uint64_t>(length)), kMaxTokens, 1);
  return result;
}

std::vector<Logits> Batch::decode_alone(const std::vector<int64_t>& lengths, int64_t n_steps) {
  std::vector<Logits> logits;
  for (const int64_t length : lengths) {
    const SequencePtr one = prompted(length);
    for (int64_t step = 0; step < n_steps; ++step) logits.push_back(decode(*one, step_token(length, step)));
  }
  return logits;
}

std::vector<Logits> Batch::decode_together(const std::vector<int64_t>& lengths, int64_t n_steps,
                                           const std::function<void(int64_t)>& between) {
  const size_t n = lengths.size();
  std::vector<SequencePtr> sequences;
  for (const int64_t length : lengths) sequences.push_back(prompted(length));
  std::vector<Logits> logits(n * static_cast<size_t>(n_steps), Logits(kVocabulary));
  std::vector<TokenId> tokens(n);
  for (int64_t step = 0; step < n_steps; ++step) {
    std::vector<BatchItem> items;
    for (size_t i = 0; i < n; ++i) {
      tokens[i] = step_token(lengths[i], step);
      Logits& to = logits[i * static_cast<size_t>(n_steps) + static_cast<size_t>(step)];
      items.push_back({sequences[i].get(), {&tokens[i], 1}, to});
    }
    run(items, PassKind::kDecode);
    if (between) between(step);
  }
  return logits;
}

}  // namespace docmind::test
