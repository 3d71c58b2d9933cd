// Measures what KV formats cost a model on a text of the user's, and whether that is within each format's gate.
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
#include "engine/kv_quality.h"
#include "engine/load_options.h"

namespace docmind::engine {

// What a format may lose against exact keys and values.
struct KvGate {
  double most_mean_kl = 0;
  double least_same_top = 0;  // 0..1
  [[nodiscard]] bool passes(const KvQuality& quality) const {
    return quality.mean_kl <= most_mean_kl && quality.same_top >= least_same_top;
  }
};
// None for f16, which loses nothing, and for k8v4, which stands between int8 and int4.
[[nodiscard]] std::optional<KvGate> kv_gate(kv::Format format);

struct KvQualityOptions {
  EngineOptions engine;
  std::vector<kv::Format> formats;  // f16 is what they are held against, and need not be among them
  int64_t n_tokens = 8'192;         // of the text that are read, from its beginning
  std::function<void(std::string_view step)> on_step = [](std::string_view) {};
};

struct KvQualityReport {
  struct Row {
    kv::Format format = kv::Format::kInt8;
    KvQuality quality;
    std::optional<KvGate> gate;
  };
  std::string model;
  std::string fingerprint;  // of the file
  std::string isa;
  size_t n_threads = 0;
  int64_t n_tokens = 0;    // that were read
  int64_t n_contexts = 0;  // pieces that they were cut into, each read from an empty context
  std::vector<Row> rows;
};

// The text is read in contexts of up to 2,048 tokens, less where the model's context is shorter; a rest in which no
// format would round anything is left out. kInvalidArgument names both numbers when all of the text is such a rest.
[[nodiscard]] Result<KvQualityReport> bench_kv_quality(const std::string& path, std::string_view text,
                                                       const KvQualityOptions& options, const CancelToken& cancel);

}  // namespace docmind::engine
