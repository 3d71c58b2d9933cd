// The form of a question by which the exact answer cache compares; not for display or retrieval.
// SPDX-License-Identifier: Apache-2.0
#include "cache/normalise_question.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <limits>
#include <optional>
#include <vector>

namespace docmind::cache {
namespace {

using CodePoints = std::vector<UChar32>;

// nullopt: not UTF-8, or too long for the library.
std::optional<CodePoints> to_nfc(std::string_view text) {
  if (text.size() > std::numeric_limits<int32_t>::max() / 4) return std::nullopt;
  const auto size = static_cast<int32_t>(text.size());
  icu::UnicodeString wide;
  UErrorCode failure = U_ZERO_ERROR;
  int32_t length = 0;
  u_strFromUTF8(wide.getBuffer(size), size, &length, text.data(), size, &failure);
  wide.releaseBuffer(U_SUCCESS(failure) ? length : 0);
  if (U_FAILURE(failure)) return std::nullopt;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(failure);
  if (U_FAILURE(failure)) return std::nullopt;
  const icu::UnicodeString normal = nfc->normalize(wide, failure);
  if (U_FAILURE(failure)) return std::nullopt;
  CodePoints points(static_cast<size_t>(normal.countChar32()));
  normal.toUTF32(points.data(), static_cast<int32_t>(points.size()), failure);
  if (U_FAILURE(failure)) return std::nullopt;
  return points;
}

std::string to_utf8(const CodePoints& points) {
  std::string text;
  icu::UnicodeString::fromUTF32(points.data(), static_cast<int32_t>(points.size()))
      .toUTF8String(text);
  return text;
}

CodePoints collapse_space(const CodePoints& points) {
  CodePoints out;
  out.reserve(points.size());
  bool gap = false;
  for (const UChar32 c : points) {
    if (u_isUWhiteSpace(c)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out.push_back(' ');
    gap = false;
    out.push_back(c);
  }
  return out;
}

bool is_capital(UChar32 c) { return u_isupper(c) || u_istitle(c); }

// The word is points[begin, end). Acronyms, units and names of things keep their capitals.
void lower_plain_word(CodePoints& points, size_t begin, size_t end) {
  size_t n_letters = 0;
  size_t n_capitals = 0;
  size_t first_letter = end;
  for (size_t i = begin; i < end; ++i) {
    if (u_isdigit(points[i])) return;
    if (!u_isalpha(points[i])) continue;
    if (n_letters++ == 0) first_letter = i;
    if (is_capital(points[i])) ++n_capitals;
  }
  if (n_letters < 2 || n_capitals != 1 || !is_capital(points[first_letter])) return;
  points[first_letter] = u_tolower(points[first_letter]);
}

void lower_plain_words(CodePoints& points) {
  for (size_t begin = 0; begin < points.size();) {
    size_t end = begin;
    while (end < points.size() && points[end] != ' ') ++end;
    lower_plain_word(points, begin, end);
    begin = end + 1;
  }
}

bool is_exclamation(UChar32 c) { return c == '!' || c == 0xFF01; }
bool is_end_mark(UChar32 c) {
  return is_exclamation(c) || c == '?' || c == '.' || c == 0xFF1F || c == 0x3002 || c == 0x061F;
}
bool is_quotation_mark(UChar32 c) {
  return c == '"' || c == '\'' || u_charType(c) == U_FINAL_PUNCTUATION ||
         u_charType(c) == U_INITIAL_PUNCTUATION;
}

void strip_end_marks(CodePoints& points) {
  size_t size = points.size();
  bool exclaims = false;
  while (size > 0 && (is_end_mark(points[size - 1]) || points[size - 1] == ' ')) {
    exclaims = exclaims || is_exclamation(points[size - 1]);
    --size;
  }
  if (size == 0) return;
  const UChar32 last = points[size - 1];
  const bool after_word = !exclaims && (u_isdigit(last) || is_quotation_mark(last));
  if (u_isalpha(last) || after_word) points.resize(size);
}

std::string_view trim_ascii(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::string normalise_question(std::string_view question) {
  const std::optional<CodePoints> decoded = to_nfc(question);
  if (!decoded) return std::string(trim_ascii(question));
  CodePoints points = collapse_space(*decoded);
  strip_end_marks(points);
  lower_plain_words(points);
  return to_utf8(points);
}

}  // namespace docmind::cache
