// Code points of UTF-8 text and the character classes that tokenizers split at.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace docmind::tokenizer {

// SentencePiece's mark for a space: U+2581.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

struct CodePoint {
  char32_t value = 0;   // U+FFFD for bytes that are no UTF-8
  uint32_t n_bytes = 0;  // 1 at least
};

// The code point that begins at `at` < text.size().
[[nodiscard]] inline CodePoint code_point_at(std::string_view text, size_t at) {
  const auto first = static_cast<uint8_t>(text[at]);
  if (first < 0x80) return {first, 1};
  const char* bytes = text.data() + at;
  const auto n_left = static_cast<int32_t>(text.size() - at < 4 ? text.size() - at : 4);
  int32_t n = 0;
  UChar32 value = 0;
  U8_NEXT_OR_FFFD(bytes, n, n_left, value);
  return {static_cast<char32_t>(value), static_cast<uint32_t>(n)};
}

inline void append_utf8(char32_t value, std::string& out) {
  char bytes[4];
  int32_t n = 0;
  U8_APPEND_UNSAFE(bytes, n, static_cast<UChar32>(value));
  out.append(bytes, static_cast<size_t>(n));
}

// \p{L}, \p{N} and \s of the pre-split expressions, and all the rest.
enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace };

[[nodiscard]] constexpr CharClass ascii_class(char32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return CharClass::kLetter;
  if (c >= '0' && c <= '9') return CharClass::kNumber;
  if (c == ' ' || (c >= '\t' && c <= '\r')) return CharClass::kSpace;
  return CharClass::kOther;
}

[[nodiscard]] inline CharClass char_class(char32_t c) {
  if (c < 0x80) return ascii_class(c);
  // CJK Extension I: letters since Unicode 15.1, which ICU before 74 does not know.
  if (c >= 0x2EBF0 && c <= 0x2EE5D) return CharClass::kLetter;
  const auto value = static_cast<UChar32>(c);
  const uint32_t category = U_GET_GC_MASK(value);
  if ((category & U_GC_L_MASK) != 0) return CharClass::kLetter;
  if ((category & U_GC_N_MASK) != 0) return CharClass::kNumber;
  return u_isUWhiteSpace(value) ? CharClass::kSpace : CharClass::kOther;
}

}  // namespace docmind::tokenizer
