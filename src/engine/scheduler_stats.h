// SchedulerStats: what the scheduler does and has done.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "engine/text_request.h"
#include "kv/format_caches.h"
#include "monitor/histogram.h"

namespace docmind::engine {

// Counts are since the start unless they say "now".
struct SchedulerStats {
  int64_t n_queued = 0;     // now; requests that were never admitted
  int64_t n_running = 0;    // now
  int64_t n_suspended = 0;  // now; had to make room and wait to go on
  int64_t n_submitted = 0, n_refused = 0;  // refused: the queue was full
  int64_t n_admitted = 0;
  int64_t n_finished = 0;   // with an answer
  int64_t n_cancelled = 0, n_expired = 0, n_failed = 0;
  int64_t n_preempted = 0;  // times that a text had to make room
  int64_t n_spilled = 0, n_restored = 0;  // to files and back
  int64_t n_recomputed = 0;               // times that a text began anew
  int64_t n_spill_failures = 0;           // could not be written or read
  int64_t n_steps = 0, n_decode_passes = 0, n_decode_rows = 0;  // rows: tokens fed, one a text
  int64_t n_prefill_passes = 0, n_prefill_tokens = 0;
  int64_t n_generated = 0, n_replayed = 0;
  double decode_ms = 0, prefill_ms = 0, step_ms = 0;  // of the last step
  kv::CacheStats kv;  // of all formats together
  std::vector<kv::FormatUse> kv_formats;  // of each that was used, the configured one included
  monitor::HistogramSummary between_tokens, first_token, queue_wait;

  // Texts in a decode pass, on average.
  [[nodiscard]] double mean_batch() const {
    return n_decode_passes == 0 ? 0 : static_cast<double>(n_decode_rows) / static_cast<double>(n_decode_passes);
  }
};

// Written by the scheduler's thread, read by any.
class SchedulerMeter {
 public:
  // Of the scheduler's thread; published as they are.
  SchedulerStats counts;
  void publish();
  void note_busy(SteadyTime now);       // work begins after a time without any
  void note_departure(SteadyTime now);  // a text has left: its place is free

  // --- any thread ---
  monitor::Histogram between_tokens, first_token, queue_wait;
  std::atomic<int64_t> n_submitted{0}, n_refused{0};
  std::atomic<int64_t> n_waiting{0};  // submitted and never admitted
  [[nodiscard]] SchedulerStats snapshot() const;
  // After how long a place in a full queue is likely to be free, from the rate at which texts leave.
  [[nodiscard]] int64_t retry_after_ms(SteadyTime now) const;

 private:
  mutable std::mutex mutex_;
  SchedulerStats published_;
  std::deque<SteadyTime> departures_;  // the last ones; the first may be when work began
};

}  // namespace docmind::engine
