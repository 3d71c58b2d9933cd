// What the memory of an encoder's passes is made of, by its sizes and matrices.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "model/encoder.h"
#include "model/scratch_sizes.h"

namespace docmind::model {

// Of EncoderPass, besides its rows, keys and values.
[[nodiscard]] ScratchSizes encoder_scratch(const EncoderConfig& config, std::span<const MatrixShape> matrices,
                                           int64_t max_tokens);
// Floats of a row: queries, keys, values and their attention, then the hidden units in their place.
[[nodiscard]] int64_t encoder_row_width(const EncoderConfig& config);
// Blocks of keys and values for so many tokens, with room for short sequences, which leave theirs partly empty.
[[nodiscard]] int64_t encoder_blocks(int64_t max_tokens);
// All of it: EncoderPass::scratch_bytes().
[[nodiscard]] size_t encoder_scratch_bytes(const EncoderConfig& config, std::span<const MatrixShape> matrices,
                                           size_t n_threads, int64_t max_tokens);

}  // namespace docmind::model
