// Reference models: the published formulas, one token and one number after another, in double precision.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "model/decoder.h"
#include "model/encoder.h"

namespace docmind::test {

using Row = std::vector<double>;

// Two things are rounded as the engine rounds them: stored keys and values to half precision, and what
// products with quantized weights read to 8-bit codes.

// Logits of every token, [tokens.size(), n_vocab].
Row reference_logits(const gguf::File& file, const model::DecoderConfig& config,
                     std::span<const model::TokenId> tokens);
// The last layer's rows of one sequence.
std::vector<Row> reference_rows(const gguf::File& file, const model::EncoderConfig& config,
                                std::span<const model::TokenId> tokens);
// The classifier's score of a sequence.
double reference_score(const gguf::File& file, const model::EncoderConfig& config,
                       std::span<const model::TokenId> tokens);

}  // namespace docmind::test
