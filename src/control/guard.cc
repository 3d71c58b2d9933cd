// Guard: what a rule remembers of its own moves, so that it does not swing.
// SPDX-License-Identifier: Apache-2.0
#include "control/guard.h"

#include <algorithm>

namespace docmind::control {
namespace {

// A demand that has grown by more than this is another load: the trial was not wrong at its time.
constexpr double kGrown = 1.25;
constexpr double kGrownRequests = 2;  // so that one request more of three is no growth
// A demand that has fallen below this share is another load as well: try again.
constexpr double kFallen = 0.7;

}  // namespace

void Guard::tightened(int64_t now_ms, double demand) {
  if (on_trial_ && demand <= tried_demand_ * kGrown + kGrownRequests) {
    failed_signal_ = std::min(failed_signal_, tried_signal_);
    failed_demand_ = demand;
  }
  on_trial_ = false;
  tightened_ms_ = now_ms;
}

void Guard::relaxed(int64_t now_ms, double signal, double demand) {
  on_trial_ = true;
  tried_signal_ = signal;
  tried_demand_ = demand;
  relaxed_ms_ = now_ms;
}

bool Guard::may_relax(int64_t now_ms, double signal, double demand, double margin, int64_t dwell_ms) {
  if (now_ms - std::max(tightened_ms_, relaxed_ms_) < dwell_ms) return false;
  if (demand <= failed_demand_ * kFallen) failed_signal_ = std::numeric_limits<double>::infinity();
  return signal < failed_signal_ - margin;
}

}  // namespace docmind::control
