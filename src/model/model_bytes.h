// model_bytes: what a model takes in memory, told from its file's header or its shapes without loading it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "gguf/file.h"
#include "model/decoder.h"
#include "model/encoder.h"
#include "model/scratch_sizes.h"

namespace docmind::model {

// All exact, to the byte, for a model that is loaded with the same options.
struct ModelBytes {
  size_t weights = 0;      // weight_bytes(): packed matrices, and vectors as floats
  size_t decode_read = 0;  // decode_read_bytes(); 0 for an encoder
  size_t scratch = 0;      // scratch_bytes(); of an encoder's keys and values the system gives only what is used
  size_t in_file = 0;      // tables that are read in the mapped file: they take memory as far as they are touched
  int64_t n_quantized = 0;  // matrices that LoadOptions::quantize changes
};

// Of Decoder::load or Encoder::load, by the file's architecture; reads the header alone. The errors are theirs.
[[nodiscard]] Result<ModelBytes> model_bytes(const gguf::File& file, QuantizeOnLoad quantize, size_t n_threads,
                                             int64_t max_batch_tokens);

// Decoder::scratch_bytes() of a model with these sizes (n_embd, n_ff, n_heads, n_kv_heads, head_dim and n_rot are read)
// and these matrices, the output's among them, as they are packed; order and repetitions do not matter. It counts what
// the layers need and one pass of max_batch_tokens, which forward() uses; neither keys and values nor logits.
[[nodiscard]] size_t decoder_scratch_bytes(const DecoderConfig& config, std::span<const MatrixShape> matrices,
                                           size_t n_threads, int64_t max_batch_tokens);
// What each Decoder::new_pass() takes besides (engine::Scheduler has one for max_sequences, one for prefill_tokens).
[[nodiscard]] size_t forward_pass_bytes(const DecoderConfig& config, int64_t max_tokens);

}  // namespace docmind::model
