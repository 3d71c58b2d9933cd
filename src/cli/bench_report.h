// What 'bench model' prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "engine/model_bench.h"

namespace docmind::cli {

// "prefill_tps", "decode_tps", "prefill_4096_tps", "embed_tps", "embed_batch_tps" and
// "rerank_pairs_per_s" where the model can, each with its "..._of_limit" (0..1); "first_token_ms",
// "load_ms", "peak_rss_bytes", "file_bytes", "read_gb_per_s", "int8_gmac_per_s", "isa", "threads",
// "model", "architecture", "path".
[[nodiscard]] json::object bench_to_json(const engine::BenchReport& report);

// The same as a table for people.
[[nodiscard]] std::string bench_table(const engine::BenchReport& report, int64_t n_prompt,
                                      int64_t n_generate);

}  // namespace docmind::cli
