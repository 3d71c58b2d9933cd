// Text helpers: UTF-8, case folding, names that are nearly right, numbers for people.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace docmind {
namespace {

// Calls visit(begin, end, code point); the code point is negative for an invalid sequence.
template <typename Visit>
void for_each_code_point(std::string_view text, Visit&& visit) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    const int64_t begin = i;
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    visit(static_cast<size_t>(begin), static_cast<size_t>(i), c);
  }
}

size_t width_of(UChar32 c) {
  if (c < 0) return 1;
  const int8_t type = u_charType(c);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  const int east = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return east == U_EA_WIDE || east == U_EA_FULLWIDTH ? 2 : 1;
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace

bool is_valid_utf8(std::string_view text) {
  bool valid = true;
  for_each_code_point(text, [&](size_t, size_t, UChar32 c) { valid = valid && c >= 0; });
  return valid;
}

std::string to_valid_utf8(std::string_view text, size_t* n_replaced) {
  std::string valid;
  valid.reserve(text.size());
  size_t n = 0;
  for_each_code_point(text, [&](size_t begin, size_t end, UChar32 c) {
    if (c >= 0) {
      valid.append(text.substr(begin, end - begin));
    } else {
      valid.append(kReplacement);
      ++n;
    }
  });
  if (n_replaced != nullptr) *n_replaced = n;
  return valid;
}

size_t utf8_floor(std::string_view text, size_t pos) {
  if (pos >= text.size()) return text.size();
  while (pos > 0 && (static_cast<unsigned char>(text[pos]) & 0xc0) == 0x80) --pos;
  return pos;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for_each_code_point(text, [&](size_t, size_t, UChar32 c) { width += width_of(c); });
  return width;
}

std::string ellipsize(std::string_view text, size_t max_columns) {
  if (display_width(text) <= max_columns) return std::string(text);
  if (max_columns == 0) return {};
  size_t width = 0;
  size_t keep = 0;
  bool full = false;
  for_each_code_point(text, [&](size_t, size_t end, UChar32 c) {
    full = full || width + width_of(c) > max_columns - 1;
    if (full) return;
    width += width_of(c);
    keep = end;
  });
  return std::string(text.substr(0, keep)) + "…";
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_code_point(text, [&](size_t begin, size_t end, UChar32 c) {
    if (c < 0) {
      out.append(kReplacement);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (u_charType(c) == U_CONTROL_CHAR) {
      out.append(fmt::format("\\x{:02x}", static_cast<unsigned>(c)));
    } else {
      out.append(text.substr(begin, end - begin));
    }
  });
  return out;
}

std::string fold_case(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* folder = icu::Normalizer2::getNFKCCasefoldInstance(status);
  const icu::UnicodeString source = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(std::min<size_t>(text.size(), INT32_MAX))));
  const icu::UnicodeString folded =
      U_SUCCESS(status) ? folder->normalize(source, status) : source;
  std::string out;
  (U_SUCCESS(status) ? folded : source).toUTF8String(out);
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: three rows of the table are enough.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string_view> nearest_name(std::string_view wanted,
                                             std::span<const std::string_view> names) {
  std::optional<std::string_view> best;
  size_t best_distance = std::max<size_t>(2, wanted.size() / 3) + 1;
  for (const std::string_view name : names) {
    const size_t distance = edit_distance(wanted, name);
    if (distance < best_distance) {
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

// The limits below stand where rounding would give the first number of the next form.
std::string format_bytes(int64_t n_bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(n_bytes);
  size_t unit = 0;
  while (std::fabs(value) >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", n_bytes);
  return fmt::format("{:.{}f} {}", value, std::fabs(value) < 9.95 ? 1 : 0, kUnits[unit]);
}

std::string format_ms(double ms) {
  if (ms < 9.995) return fmt::format("{:.2f} ms", ms);
  if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
  if (ms < 59'950) return fmt::format("{:.1f} s", ms / 1'000);
  const auto seconds = static_cast<int64_t>(std::llround(ms / 1'000));
  return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

std::string format_count(int64_t n) {
  std::string digits = std::to_string(n);
  const size_t first = n < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string format_count(int64_t n, std::string_view noun) {
  return format_count(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

}  // namespace docmind
