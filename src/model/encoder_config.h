// read_encoder_config: what a GGUF file says about a bidirectional model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "gguf/file.h"
#include "model/encoder.h"

namespace docmind::model {

// Every value is in range and agrees with the others; n_vocab is the number of rows of the token
// embeddings. kUnsupported names another architecture or a causal model.
Result<EncoderConfig> read_encoder_config(const gguf::File& file);

}  // namespace docmind::model
