// cut_to: cuts a token sequence to a context.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "model/decoder.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Cuts to `limit` tokens; an end mark (EOS, SEP) of the model stays the last. Returns how many
// tokens went.
int64_t cut_to(int64_t limit, const tokenizer::Vocabulary& vocabulary,
               std::vector<model::TokenId>& tokens);

}  // namespace docmind::engine
