// ProgressBar: a line on a terminal that redraws itself, plain lines in a pipe.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
  // The same for plain bytes: `what` is a word or two, `n_total` 0 when unknown.
  void show_bytes(std::string_view what, int64_t n_done, int64_t n_total);
  // The same for things that are counted: "questions".
  void show_count(std::string_view what, int64_t n_done, int64_t n_total);
  void finish();

 private:
  // Whether enough time has passed since the last one.
  bool is_due();
  void draw(const std::string& line);

  std::string line(const pipeline::IndexProgress& progress) const;

  const Terminal& terminal_;
  Stopwatch since_start_;
  double last_ms_ = 0;
  Stopwatch since_embedding_;  // since the last progress without tokens
  std::string what_;         // of show_bytes, with what it was first called for that
  Stopwatch since_first_;
  int64_t first_bytes_ = 0;
  bool drawn_ = false;
};

}  // namespace docmind::cli
