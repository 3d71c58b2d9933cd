// Measures the KV cache of one model in every format: what a token takes, what a budget holds, what the
// process truly uses, and how fast attention reads it. Keys and values are made up; weights are only
// loaded when decoding is asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "engine/load_options.h"
#include "kv/cache.h"
#include "kv/layout.h"

namespace docmind::engine {

struct KvBenchOptions {
  EngineOptions engine;
  std::vector<kv::Format> formats;     // in this order; the first is what the others are compared with
  int64_t n_tokens = 8'192;            // of the sequence that is filled
  size_t budget_bytes = size_t{2} << 30;  // whose tokens are counted
  int n_runs = 5;                      // the median counts
  bool with_decode = false;            // load the weights and generate after the filled sequence
  std::function<void(std::string_view step)> on_step = [](std::string_view) {};
};

struct KvFormatReport {
  kv::Format format = kv::Format::kF16;
  double bytes_per_token = 0;       // of the filled sequence, exact tokens included
  int64_t sequence_bytes = 0;       // the plan: Layout::sequence_bytes
  int64_t counted_bytes = 0;        // what the cache says it uses
  int64_t process_bytes = 0;        // by how much the process grew
  int64_t budget_tokens = 0;        // the longest sequence that the budget holds
  double attend_ms = 0;             // attention of one decoded token over all layers, no weights
  double attend_gb_per_s = 0;       // keys and values that it read
  double prefill_ms = 0;            // attention of the last 256 tokens as a prompt's, all layers
  std::optional<double> decode_ms;  // a whole decoded token
};

struct KvBenchReport {
  std::string model;
  kv::Geometry geometry;
  std::string isa;
  size_t n_threads = 0;
  int64_t n_tokens = 0;
  size_t budget_bytes = 0;
  double read_gb_per_s = 0;  // limit of this machine, measured in the same run
  std::vector<KvFormatReport> formats;
};

// kUnsupported for a file that is no language model; kLimit when the sequence does not fit in free memory.
[[nodiscard]] Result<KvBenchReport> bench_kv(const std::string& path, const KvBenchOptions& options,
                                             const CancelToken& cancel);

// The longest sequence that `budget_bytes` hold.
[[nodiscard]] int64_t tokens_in_budget(const kv::Layout& layout, size_t budget_bytes);

}  // namespace docmind::engine
