// NdjsonReader: the lines of a stream of JSON values, however its bytes are cut.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::providers {

// The line is borrowed during the call; an error ends the reading.
using LineSink = std::function<Status(std::string_view line)>;

// Lines end with LF or CR LF; blank ones give nothing.
class NdjsonReader {
 public:
  // kLimit beyond `largest_line_bytes` in one line.
  explicit NdjsonReader(size_t largest_line_bytes) : largest_line_bytes_(largest_line_bytes) {}

  [[nodiscard]] Status feed(std::string_view piece, const LineSink& sink);
  // Whether feed() failed for that, and not because of the sink.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  // The end of the stream: what has no line end yet is a line too.
  [[nodiscard]] Status finish(const LineSink& sink);

 private:
  size_t largest_line_bytes_;
  std::string line_;  // the beginning of a line whose end has not come
  bool overflowed_ = false;
};

}  // namespace docmind::providers
