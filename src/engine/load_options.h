// EngineOptions: how a model file is loaded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/decoder.h"

namespace docmind::engine {

struct EngineOptions {
  size_t n_threads = 0;      // 0: one per CPU
  std::string isa = "auto";  // or a kernels::isa_name()
  int64_t n_context = 0;     // tokens of a language model's context; 0: the model's, at most 8,192
  model::LoadProgress progress = {};
};

}  // namespace docmind::engine
