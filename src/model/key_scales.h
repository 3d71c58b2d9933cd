// Scales that move from keys to queries, so that stored keys are of size one.
//
// qwen3 multiplies every key by the same gains (k_norm), some of which are large. Scores stay what they
// are when a pair of channels that rope turns is divided by s in the keys and multiplied by s in the
// queries (SmoothAttention, Lin et al. 2024, "QServe"). Powers of two change no rounding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "model/decoder_weights.h"

namespace docmind::model {

// Changes the gains that q_norm and k_norm of layers with both point to.
void fold_key_scales(const DecoderConfig& config, std::span<const DecoderLayer> layers);

}  // namespace docmind::model
