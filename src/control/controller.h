// Controller: from what was measured to what should change, with the reasons in words. Pure: time comes in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/guard.h"

namespace docmind::control {

enum class Level { kConservative, kBalanced, kAggressive };
[[nodiscard]] std::string_view level_name(Level level);  // "balanced"

// Of new sequences; the names are those of the setting kv.format.
enum class KvFormat { kF16, kInt8, kInt4 };
[[nodiscard]] std::string_view kv_format_name(KvFormat format);

// What the controller may move, each within [its least value, what was configured].
struct Setpoints {
  Level level = Level::kConservative;
  KvFormat kv_format = KvFormat::kF16;  // never a more exact one than configured
  int64_t max_sequences = 8;       // texts generated together
  int64_t prefill_tokens = 512;
  int64_t embed_batch_tokens = 8'192;
  int64_t rerank_batch_tokens = 8'192;
  int64_t cache_memory_bytes = 64 << 20;
  int64_t max_queued = 256;        // admission: one more is refused
  int64_t rerank_depth = 40;       // passages
  int64_t context_passages = 6;    // that an answer is made from
  friend bool operator==(const Setpoints&, const Setpoints&) = default;
};

struct ControlOptions {
  Setpoints configured;            // the most of everything
  double latency_target_ms = 3'000;
  double high_memory = 0.8;        // batches are halved above it
  double low_memory = 0.5;         // and doubled below it
  double int8_memory = 0.7;        // balanced + int8 above it
  double int4_memory = 0.9;        // aggressive + int4 above it
  double hysteresis = 0.05;        // a level is left this far below the place where it was entered
  int64_t min_dwell_ms = 10'000;   // between two moves of the same setting away from and back
  bool enabled = true;             // false: decides nothing, recommends all the same
};

// One moment. Shares are of the tightest of: the user's budget, system memory, GPU memory.
struct ControlInput {
  int64_t now_ms = 0;              // steady
  int64_t unix_ms = 0;             // for the log
  int64_t memory_used_bytes = 0;
  int64_t memory_budget_bytes = 0;
  std::string_view memory_name = "memory budget";  // "GPU memory", "system memory"
  int64_t kv_used_bytes = 0, kv_budget_bytes = 0;
  int64_t cache_used_bytes = 0;    // of the answer cache in memory
  double cache_hit_rate = 0;       // of the window, 0..1
  double p95_ms = 0;               // of answered questions in the window; 0: there were none
  int64_t window_ms = 60'000;      // length of "the window"
  double service_ms = 0;           // mean time of one answer in the window, without waiting
  double rerank_ms = 0, prefill_ms = 0;  // means in the window
  int64_t n_answered = 0;          // in the window
  int64_t n_queued = 0, n_running = 0, n_refused = 0;  // now, now, in the window
  // For recommendations only; 0 and true where it is not known.
  int64_t context_tokens = 0;      // that one text may take at most
  int64_t n_workers = 0;           // questions worked on at the same time at most
  bool semantic_cache = true;      // answers are found for questions of the same meaning
};

// A change of one setting: what, why, and what is expected of it.
struct Decision {
  int64_t unix_ms = 0;
  std::string setting;  // "kv_format"
  std::string from, to;
  std::string cause;    // "memory budget is 92% used (11.0 of 12.0 GiB)"
  std::string effect;   // "new sequences take 27% of the KV memory"
};

// Something a person could do, "KV cache is 92% of the 12 GiB budget; int4 for new sequences saves 5.3 GiB".
struct Recommendation {
  std::string id;       // stable: "kv_int4"
  std::string text;
  std::string setting;  // of the configuration that does it: "kv.format = \"int4\""; empty: none
};

// For one thread.
class Controller {
 public:
  // kInvalidArgument names both values when thresholds are out of order.
  static Result<Controller> create(const ControlOptions& options);

  // Call about once a second; the setpoints to use from now on. `decisions` (may be null) gets what changed.
  const Setpoints& step(const ControlInput& input, std::vector<Decision>* decisions);
  [[nodiscard]] const Setpoints& setpoints() const { return now_; }
  [[nodiscard]] std::vector<Recommendation> recommend(const ControlInput& input) const;

 private:
  explicit Controller(const ControlOptions& options) : options_(options), now_(options.configured) {}
  ControlOptions options_;
  Setpoints now_;
  RuleStates states_;
};

}  // namespace docmind::control
