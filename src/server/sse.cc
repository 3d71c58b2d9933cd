// Server-sent events: one event as the bytes of a text/event-stream.
// SPDX-License-Identifier: Apache-2.0
#include "server/sse.h"

namespace docmind::server {
namespace {

constexpr std::string_view kLineEnds = "\r\n";
constexpr std::string_view kDataField = "data: ";
constexpr std::string_view kEventField = "event: ";

void append_name(std::string& out, std::string_view event) {
  out += kEventField;
  for (const char c : event) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
  out += '\n';
}

}  // namespace

std::string sse_event(std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(kEventField.size() + event.size() + kDataField.size() + data.size() + 4);
  if (!event.empty()) append_name(out, event);
  while (true) {
    const size_t end = data.find_first_of(kLineEnds);
    out += kDataField;
    out += data.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) break;
    data.remove_prefix(data.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
  out += '\n';
  return out;
}

std::string_view sse_keep_alive() { return ":\n\n"; }

}  // namespace docmind::server
