// UTF-8 helpers of the readers: check, repair, collapse, shorten.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/utf8.h"

#include <unicode/utf8.h>

#include <cstring>

namespace docmind::ingest {
namespace {

// Length of the ASCII run at `text`, eight bytes at a time.
size_t ascii_run(const char* text, size_t size) {
  constexpr uint64_t kHighBits = 0x8080808080808080ULL;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text + i, sizeof(word));
    if ((word & kHighBits) != 0) break;
  }
  while (i < size && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

// Calls good(begin, end, multibyte) for well-formed stretches and bad() for ill-formed pieces;
// stops when bad() returns false.
template <typename Good, typename Bad>
void walk(std::string_view bytes, Good&& good, Bad&& bad) {
  size_t i = 0;
  while (i < bytes.size()) {
    const size_t run = ascii_run(bytes.data() + i, bytes.size() - i);
    if (run > 0) good(i, i + run, false);
    i += run;
    if (i >= bytes.size()) return;
    // The macro counts in int32; a sequence has at most four bytes.
    const int32_t left = static_cast<int32_t>(bytes.size() - i < 4 ? bytes.size() - i : 4);
    const char* at = bytes.data() + i;
    int32_t used = 0;
    UChar32 c = 0;
    U8_NEXT(at, used, left, c);
    if (c >= 0) {
      good(i, i + static_cast<size_t>(used), true);
    } else if (!bad()) {
      return;
    }
    i += static_cast<size_t>(used);
  }
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) {
  bool valid = true;
  walk(bytes, [](size_t, size_t, bool) {}, [&] { return valid = false; });
  return valid;
}

Utf8Census count_utf8(std::string_view bytes) {
  Utf8Census census;
  walk(
      bytes, [&](size_t, size_t, bool multibyte) { census.n_multibyte += multibyte ? 1 : 0; },
      [&] { return ++census.n_invalid, true; });
  return census;
}

std::string repair_utf8(std::string_view bytes, size_t& n_replaced) {
  std::string out;
  out.reserve(bytes.size() + 16);
  walk(
      bytes, [&](size_t begin, size_t end, bool) { out.append(bytes, begin, end - begin); },
      [&] {
        ++n_replaced;
        out.append("\xEF\xBF\xBD");
        return true;
      });
  return out;
}

void append_utf8(std::string& out, uint32_t code_point) {
  constexpr uint32_t kReplacement = 0xFFFD;
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) {
    code_point = kReplacement;
  }
  char buffer[U8_MAX_LENGTH] = {};
  int32_t length = 0;
  U8_APPEND_UNSAFE(buffer, length, code_point);
  out.append(buffer, static_cast<size_t>(length));
}

std::string one_line(std::string_view text, size_t max_bytes) {
  std::string out;
  bool space = false;
  for (size_t i = 0; i < text.size() && out.size() <= max_bytes; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool nbsp = c == 0xC2 && i + 1 < text.size() && text[i + 1] == '\xA0';
    if (c <= 0x20 || c == 0x7F || nbsp) {
      space = true;
      i += nbsp ? 1 : 0;
      continue;
    }
    if (space && !out.empty()) out.push_back(' ');
    space = false;
    out.push_back(text[i]);
  }
  if (out.size() > max_bytes) {
    size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
    out.resize(end);
  }
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace docmind::ingest
