// SseReader: the events of a server-sent stream, however its bytes are cut.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::providers {

struct SseEvent {
  std::string_view name;  // of an "event:" line; "error" for llama.cpp's "error:" lines; else empty
  std::string_view data;  // its data lines, with line feeds between
};
// Borrowed during the call; an error ends the reading.
using SseSink = std::function<Status(const SseEvent& event)>;

// Reads WHATWG HTML 9.2.6 with two differences: ids and reconnection times are ignored, and the field "error" counts
// as data of an event of that name. Comments and events without data give nothing.
class SseReader {
 public:
  // kLimit from feed() beyond `largest_event_bytes` in one event.
  explicit SseReader(size_t largest_event_bytes) : largest_event_bytes_(largest_event_bytes) {}

  [[nodiscard]] Status feed(std::string_view piece, const SseSink& sink);
  // Whether feed() failed for that, and not because of the sink.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  Status take_line(std::string_view line, const SseSink& sink);
  Status take_field(std::string_view name, std::string_view value);
  Error too_large();

  size_t largest_event_bytes_;
  std::string line_;        // the beginning of a line whose end has not come
  std::string name_, data_;
  bool has_data_ = false;
  bool overflowed_ = false;
  bool first_line_ = true;  // a byte order mark may precede it
  bool after_cr_ = false;   // a line feed now belongs to the line end before
};

}  // namespace docmind::providers
