// Utf8Stream: where the last whole character ends.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/utf8_stream.h"

#include <cstdint>
#include <utility>

#include <unicode/utf8.h>

#include "base/text.h"

namespace docmind::tokenizer {
namespace {

// Where a character begins that the text's end cuts off; the text's size if none does.
size_t cut_character(std::string_view text) {
  const size_t n_tail = text.size() < 4 ? text.size() : 4;
  const auto* tail = reinterpret_cast<const uint8_t*>(text.data()) + text.size() - n_tail;
  auto end = static_cast<int32_t>(n_tail);
  U8_TRUNCATE_IF_INCOMPLETE(tail, 0, end);
  return text.size() - n_tail + static_cast<size_t>(end);
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  const size_t end = cut_character(held_);
  std::string text = to_valid_utf8(std::string_view(held_).substr(0, end));
  held_.erase(0, end);
  return text;
}

std::string Utf8Stream::finish() { return to_valid_utf8(std::exchange(held_, {})); }

}  // namespace docmind::tokenizer
