// Measures several texts at once: what they give together, and what a long prompt does to them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/load_options.h"
#include "engine/model_parts.h"

namespace docmind::engine {

struct StreamBenchOptions {
  EngineOptions engine;
  int64_t n_streams = 5;
  int64_t n_prompt = 64;       // tokens of each stream's prompt
  int64_t n_generate = 32;     // tokens of each stream
  int64_t n_admitted = 2'048;  // tokens of the prompt that enters while streams run; 0: leave it out
  int n_runs = 3;              // the median counts
  std::function<void(std::string_view step)> on_step = [](std::string_view) {};
};

struct StreamBenchReport {
  ModelInfo model;
  double single_tps = 0;       // generated tokens a second of one stream, its prompt included
  double total_tps = 0;        // of all streams that begin together
  double first_token_p95_ms = 0;
  double gap_p95_ms = 0;           // between tokens of running streams, undisturbed
  double gap_p95_admitting_ms = 0; // while the long prompt was read
  double admitted_first_ms = 0;    // its first token came after
  double admitted_alone_ms = 0;    // the same without running streams
};

// kUnsupported for a file that is no language model, kLimit when its context is too short.
[[nodiscard]] Result<StreamBenchReport> bench_streams(const std::string& path, const StreamBenchOptions& options,
                                                      const CancelToken& cancel);

}  // namespace docmind::engine
