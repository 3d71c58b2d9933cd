// Batches of token sequences for encoders, and cutting sequences to a context.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/decoder.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Indexes of the sequences in batches of at most `budget` tokens, longest first; a sequence beyond
// the budget is a batch of its own. Sequences of one length keep their order.
[[nodiscard]] std::vector<std::vector<size_t>> make_batches(
    std::span<const std::vector<model::TokenId>> sequences, int64_t budget);

// Cuts to `limit` tokens; an end mark (EOS, SEP) of the model stays the last. Returns how many
// tokens went.
int64_t cut_to(int64_t limit, const tokenizer::Vocabulary& vocabulary,
               std::vector<model::TokenId>& tokens);

}  // namespace docmind::engine
