// make_native_model_access: the models of files, run by this process, for measurements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/load_options.h"
#include "quantize/model_access.h"

namespace docmind::providers {

struct NativeAccessOptions {
  // Threads, instruction set, progress of loading. Files are measured as they are, with exact keys and values: nothing
  // is quantized on load, and what concerns serving is not looked at.
  engine::EngineOptions engine;
  int64_t n_context = 2'048;  // of language models; less where they were made for less
  // What a model may take; opening one that takes more is kLimit and loads nothing. 0: not checked.
  size_t memory_limit_bytes = 0;
};

// Models need not go before the access does. Calibration reads language models in contexts of 512 tokens, embedders
// and rerankers in passages of about 1,200 bytes (a reranker's query is a passage's beginning).
[[nodiscard]] std::unique_ptr<quantize::ModelAccess> make_native_model_access(NativeAccessOptions options);

// A text in passages of at most `n_bytes`, cut at the ends of lines or between words where there are any.
[[nodiscard]] std::vector<std::string_view> cut_passages(std::string_view text, size_t n_bytes);

}  // namespace docmind::providers
