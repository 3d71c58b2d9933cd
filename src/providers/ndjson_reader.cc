// NdjsonReader: the lines of a stream of JSON values, however its bytes are cut.
// SPDX-License-Identifier: Apache-2.0
#include "providers/ndjson_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::providers {
namespace {

Status give_line(std::string_view line, const LineSink& sink) {
  line = trim(line);
  return line.empty() ? Status() : sink(line);
}

}  // namespace

Status NdjsonReader::feed(std::string_view piece, const LineSink& sink) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    if (line_.size() + std::min(end, piece.size()) > largest_line_bytes_) {
      overflowed_ = true;
      return Error{ErrorCode::kLimit, fmt::format("a line of more than {} bytes", largest_line_bytes_)};
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return {};
    }
    if (line_.empty()) {
      DM_TRY(give_line(piece.substr(0, end), sink));
    } else {
      line_ += piece.substr(0, end);
      DM_TRY(give_line(std::exchange(line_, {}), sink));
    }
    piece.remove_prefix(end + 1);
  }
  return {};
}

Status NdjsonReader::finish(const LineSink& sink) { return give_line(std::exchange(line_, {}), sink); }

}  // namespace docmind::providers
