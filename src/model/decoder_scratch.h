// What the memory of a decoder's passes is made of, by its sizes and matrices.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "model/decoder.h"
#include "model/pass_state.h"
#include "model/scratch_sizes.h"

namespace docmind::model {

// Of DecoderLayers, besides its rows; `matrices` are those of the layers and the output's.
[[nodiscard]] ScratchSizes decoder_scratch(const DecoderConfig& config, std::span<const MatrixShape> matrices,
                                           int64_t max_rows);
// Floats of a row of DecoderLayers: queries, keys, values and their attention, then the hidden units in their place.
[[nodiscard]] int64_t decoder_row_width(const DecoderConfig& config);
// Of a DecoderPass.
[[nodiscard]] PassState::Sizes pass_sizes(const DecoderConfig& config, int64_t max_tokens);

}  // namespace docmind::model
