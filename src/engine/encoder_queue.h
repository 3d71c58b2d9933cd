// EncoderQueue: batches of token sequences of many callers for one encoder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "engine/batch_processor.h"
#include "engine/model_parts.h"
#include "model/decoder.h"

namespace docmind::engine {

using TokenSequence = std::vector<model::TokenId>;

// How calls of an embedder or a reranker are put together. Costs are tokens. Nothing waits for company
// while nothing runs; under load, batches grow by what arrives during the one that runs.
struct EncoderQueueOptions {
  BatchOptions batches = {.limits = {.max_cost = ModelParts::kBatchTokens}, .queue = {}};
};

template <typename Answer>
using EncoderQueue = BatchProcessor<TokenSequence, Answer>;

[[nodiscard]] inline int64_t sequence_cost(const TokenSequence& tokens) {
  return static_cast<int64_t>(tokens.size());
}

}  // namespace docmind::engine
