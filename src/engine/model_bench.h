// Measures the rates of one model file and holds them against the limits of the machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/load_options.h"
#include "engine/machine_limits.h"
#include "engine/model_kind.h"
#include "engine/model_parts.h"

namespace docmind::engine {

struct BenchOptions {
  EngineOptions engine;
  int64_t n_prompt = 512;    // tokens of a prompt and of an embedded text
  int64_t n_generate = 32;   // tokens after the prompt
  bool with_long = false;    // also a prompt of 4,096 tokens, where the context allows it
  int n_runs = 5;            // the median counts
  std::function<void(std::string_view step)> on_step = [](std::string_view) {};
};

// A rate and what share of the machine's limit it uses.
struct BenchRate {
  double per_second = 0;
  double of_limit = 0;  // 0..1
};

// Rates are of tokens, unless the name says otherwise; absent where the model cannot.
struct BenchReport {
  ModelInfo model;
  ModelKind kind = ModelKind::kText;
  double load_ms = 0;
  double first_token_ms = 0;  // of a prompt of n_prompt tokens; language models only
  std::optional<BenchRate> prefill, prefill_4096, decode;  // of the int8 rate, the reading speed
  std::optional<BenchRate> embed, embed_batch;             // one text; 8 texts of 64 tokens
  std::optional<BenchRate> rerank_pairs;                   // 16 pairs of 256 tokens
  int64_t loaded_rss_bytes = 0;  // peak of the process when the model was loaded
  int64_t peak_rss_bytes = 0;    // and after its runs, before the limits were measured
  MachineLimits limits;
};

// Loads the file, measures and gives its memory back before the limits are measured. Tokens are
// random, so the speed does not depend on the text; a context shorter than n_prompt is used as far
// as it goes.
[[nodiscard]] Result<BenchReport> bench_model(const std::string& path, const BenchOptions& options,
                                              const CancelToken& cancel);

}  // namespace docmind::engine
