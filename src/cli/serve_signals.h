// ServeSignals: SIGTERM, Ctrl-C and SIGHUP as events for a process that stays.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>

#include "base/cancel.h"
#include "base/file.h"

namespace docmind::cli {

// While it lives, SIGINT and SIGTERM ask for a stop, SIGHUP for a reload; a second stop signal ends the
// process at once. One at a time; the old handlers come back with the destructor.
class ServeSignals {
 public:
  ServeSignals();
  ~ServeSignals();
  ServeSignals(const ServeSignals&) = delete;
  ServeSignals& operator=(const ServeSignals&) = delete;

  enum class Event { kNone, kReload, kStop };
  // Waits for the next signal, at most `timeout_ms` (negative: for ever).
  [[nodiscard]] Event wait(int timeout_ms) const;

 private:
  UniqueFd wake_;  // gets a byte a signal: 'r' or 's'
  UniqueFd wake_end_;
  std::array<struct sigaction, 3> before_{};
};

}  // namespace docmind::cli
