// ProgressBar: a line on a terminal that redraws itself, plain lines in a pipe.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.h"
#include "cli/terminal.h"
#include "pipeline/indexer.h"

namespace docmind::cli {

// Shows IndexProgress on standard error: at most 10 redraws a second on a terminal, one line every
// 5 s in a pipe. finish() clears the line.
class ProgressBar {
 public:
  explicit ProgressBar(const Terminal& terminal) : terminal_(terminal) {}
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const pipeline::IndexProgress& progress);
  void finish();

 private:
  std::string line(const pipeline::IndexProgress& progress) const;

  const Terminal& terminal_;
  Stopwatch since_start_;
  double last_ms_ = 0;
  bool drawn_ = false;
};

}  // namespace docmind::cli
