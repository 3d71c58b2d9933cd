// Fuzzes the framing of server-sent events: what a reader gets is what was said, however it is said.
// SPDX-License-Identifier: Apache-2.0
#include "server/sse.h"

#include <string>
#include <vector>

#include "fuzz/check.h"

namespace docmind::fuzz {
namespace {

struct ReadEvent {
  std::string event, data;
  bool operator==(const ReadEvent&) const = default;
};

// The lines of a stream, ended by LF, CR or CR LF.
std::vector<std::string> lines_of(std::string_view stream) {
  std::vector<std::string> lines(1);
  for (size_t i = 0; i < stream.size(); ++i) {
    if (stream[i] == '\r' && i + 1 < stream.size() && stream[i + 1] == '\n') ++i;
    if (stream[i] == '\r' || stream[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += stream[i];
    }
  }
  return lines;
}

// As a browser reads it (WHATWG HTML, 9.2.6), but events without data are kept.
std::vector<ReadEvent> read_events(std::string_view stream) {
  std::vector<ReadEvent> events;
  ReadEvent event;
  bool has_data = false;
  for (const std::string& line : lines_of(stream)) {
    if (line.empty()) {
      if (has_data) events.push_back(event);
      event = {};
      has_data = false;
      continue;
    }
    const size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (field == "event") event.event = value;
    if (field != "data") continue;
    if (has_data) event.data += '\n';
    event.data += value;
    has_data = true;
  }
  return events;
}

std::string joined_lines(std::string_view text) {
  std::string joined;
  for (const std::string& line : lines_of(text)) joined += line + "\n";
  joined.pop_back();
  return joined;
}

std::string clean_name(std::string_view name) {
  std::string clean;
  for (const char c : name) {
    if (c != '\r' && c != '\n' && c != '\0') clean += c;
  }
  return clean;
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  constexpr size_t kMaxParts = 8;
  std::string stream;
  std::vector<fuzz::ReadEvent> said;
  const std::vector<std::string_view> parts = fuzz::split_parts(fuzz::as_text(data, size), fuzz::kPartSeparator,
                                                                kMaxParts);
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    stream += server::sse_event(parts[i], parts[i + 1]);
    stream += server::sse_keep_alive();
    said.push_back({fuzz::clean_name(parts[i]), fuzz::joined_lines(parts[i + 1])});
  }
  fuzz::require(fuzz::read_events(stream) == said, "events come back as they were said");
  return 0;
}
