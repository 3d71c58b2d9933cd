// What a language model takes in memory when it is loaded, told from its file's header.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "engine/load_options.h"
#include "gguf/file.h"
#include "kv/layout.h"

namespace docmind::engine {

// Tokens of the context that TextModel::load gives it: options.n_context, or as many as the model was made for, 8,192
// at most. kInvalidArgument names both when more are wanted than it was made for.
[[nodiscard]] Result<int64_t> text_context(int64_t wanted, int64_t made_for, const std::string& path);
// Tokens that its decoder takes at once.
[[nodiscard]] int64_t text_batch_tokens(const EngineOptions& options);
// Bytes of keys and values: options.kv_budget_bytes, or what a whole context and a quarter take.
[[nodiscard]] Result<size_t> text_kv_budget(const kv::Geometry& geometry, const EngineOptions& options,
                                            int64_t n_context);

struct TextMemory {
  size_t weight_bytes = 0;       // packed, after quantizing on load
  size_t decode_read_bytes = 0;  // of weights, for one token
  size_t scratch_bytes = 0;      // of the decoder
  size_t pass_bytes = 0;         // of the scheduler's passes
  size_t logit_bytes = 0;        // of its texts
  size_t kv_bytes = 0;           // the budget: what keys and values may take, as it fills
  size_t in_file_bytes = 0;      // tables that are read in the mapped file, as far as they are touched
  int64_t n_context = 0;
  [[nodiscard]] size_t total_bytes() const {
    return weight_bytes + scratch_bytes + pass_bytes + logit_bytes + kv_bytes;
  }
};

// Of TextModel::load of this file with these options; exact for what it allocates for weights, passes, logits, keys and
// values. The vocabulary, threads and the program itself are not counted. Errors as TextModel::load.
[[nodiscard]] Result<TextMemory> text_memory(const gguf::File& file, const EngineOptions& options);

}  // namespace docmind::engine
