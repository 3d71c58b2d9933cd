// SseReader: the events of a server-sent stream, however its bytes are cut.
// SPDX-License-Identifier: Apache-2.0
#include "providers/sse_reader.h"

#include <algorithm>

#include <fmt/format.h>

namespace docmind::providers {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

Status SseReader::feed(std::string_view piece, const SseSink& sink) {
  while (!piece.empty()) {
    if (after_cr_ && piece.front() == '\n') piece.remove_prefix(1);
    after_cr_ = false;
    const size_t end = piece.find_first_of("\r\n");
    if (line_.size() + std::min(end, piece.size()) > largest_event_bytes_) return too_large();
    if (end == std::string_view::npos) {
      line_ += piece;
      return {};
    }
    after_cr_ = piece[end] == '\r';
    if (line_.empty()) {
      DM_TRY(take_line(piece.substr(0, end), sink));
    } else {
      line_ += piece.substr(0, end);
      DM_TRY(take_line(line_, sink));
      line_.clear();
    }
    piece.remove_prefix(end + 1);
  }
  return {};
}

Error SseReader::too_large() {
  overflowed_ = true;
  return {ErrorCode::kLimit, fmt::format("an event of more than {} bytes", largest_event_bytes_)};
}

Status SseReader::take_line(std::string_view line, const SseSink& sink) {
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    const Status status = has_data_ ? sink({name_, data_}) : Status();
    name_.clear();
    data_.clear();
    has_data_ = false;
    return status;
  }
  const size_t colon = line.find(':');
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  return take_field(line.substr(0, colon), value);
}

Status SseReader::take_field(std::string_view name, std::string_view value) {
  if (name == "event") name_ = value;
  if (name == "error") name_ = name;
  if (name != "data" && name != "error") return {};
  if (data_.size() + 1 + value.size() > largest_event_bytes_) return too_large();
  if (has_data_) data_ += '\n';
  data_ += value;
  has_data_ = true;
  return {};
}

}  // namespace docmind::providers
