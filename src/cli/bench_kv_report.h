// What 'bench kv' and 'bench streams' print.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "engine/kv_bench.h"
#include "engine/kv_quality_bench.h"
#include "engine/stream_bench.h"

namespace docmind::cli {

// "formats": a list of objects with "format", "bytes_per_token", "of_f16" (if f16 is among them),
// "sequence_bytes", "counted_bytes", "process_bytes", "budget_tokens", "attend_ms", "attend_gb_per_s",
// "prefill_ms" and, with decoding, "decode_ms"; beside it "tokens", "budget_bytes", "read_gb_per_s",
// "layers", "kv_heads", "head_dim", "isa", "threads", "model".
[[nodiscard]] json::object kv_bench_to_json(const engine::KvBenchReport& report);
[[nodiscard]] std::string kv_bench_table(const engine::KvBenchReport& report);

// "quality": a list of objects with "format", "mean_kl", "worst_kl", "same_top", "perplexity", "perplexity_ratio" and,
// where the format has a gate, "most_mean_kl", "least_same_top", "passes"; beside it "tokens", "contexts",
// "f16_perplexity", "isa", "threads", "model".
[[nodiscard]] json::object kv_quality_to_json(const engine::KvQualityReport& report);
[[nodiscard]] std::string kv_quality_table(const engine::KvQualityReport& report);

// "single_tps", "total_tps", "first_token_p95_ms", "gap_p95_ms", "gap_p95_admitting_ms",
// "admitted_first_ms", "admitted_alone_ms", "streams", "isa", "threads", "model", "path".
[[nodiscard]] json::object stream_bench_to_json(const engine::StreamBenchReport& report, int64_t n_streams);
[[nodiscard]] std::string stream_bench_table(const engine::StreamBenchReport& report,
                                             const engine::StreamBenchOptions& options);

}  // namespace docmind::cli
