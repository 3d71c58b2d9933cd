// EngineOptions: how a model file is loaded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/scheduler_options.h"
#include "kv/format.h"
#include "model/decoder.h"

namespace docmind::engine {

struct EngineOptions {
  size_t n_threads = 0;      // 0: one per CPU
  std::string isa = "auto";  // or a kernels::isa_name()
  int64_t n_context = 0;     // tokens of a language model's context; 0: the model's, at most 8,192
  model::LoadProgress progress = {};
  model::QuantizeOnLoad quantize = model::QuantizeOnLoad::kNone;  // part of ModelInfo::fingerprint

  // --- language models only ---
  kv::FormatOptions kv_format = {};
  size_t kv_budget_bytes = 0;    // of keys and values; 0: what a whole context takes, and a quarter
  bool share_prefixes = true;    // prompts that begin alike share what they have in common
  bool exact_reuse = false;      // kv::CacheOptions::exact_reuse
  std::string spill_folder = {}; // where sequences go that must make room; empty: they are computed anew
  SchedulerOptions scheduler = {};
};

}  // namespace docmind::engine
