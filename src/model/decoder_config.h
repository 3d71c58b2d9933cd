// read_decoder_config: what a GGUF file says about a causal language model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "gguf/file.h"
#include "model/decoder.h"

namespace docmind::model {

// Every value is in range and agrees with the others; nothing was compared with tensors but n_vocab,
// which is the number of rows of the token embeddings. kUnsupported names an architecture, a RoPE
// scaling or a feature (experts) that we do not run.
Result<DecoderConfig> read_decoder_config(const gguf::File& file);

}  // namespace docmind::model
