// Text helpers: UTF-8 and widths, safe printing, folding, near names, numbers for people.
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace docmind {
namespace {

TEST(Utf8, TellsValidFromInvalid) {
  for (const std::string_view text : {"", "abc", "\u00e9\u4e2d\U0001f600", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
  // A lone tail, a cut sequence, an overlong form, a surrogate, beyond the last code point.
  for (const std::string_view text :
       {"\x80", "a\xc3", "\xe4\xb8", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, ReplacesAndCountsOnlyWhatIsInvalid) {
  size_t n = 99;
  EXPECT_EQ(to_valid_utf8("a\xffz\xc3", &n), "a\ufffdz\ufffd");
  EXPECT_EQ(n, 2u);
  EXPECT_EQ(to_valid_utf8("h\u00e9", &n), "h\u00e9");
  EXPECT_EQ(n, 0u);
}

TEST(Utf8, FloorNeverSplitsACharacter) {
  const std::string text = "a\u00e9\u4e2d";  // 1 + 2 + 3 bytes
  const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6};
  for (size_t pos = 0; pos < 8; ++pos) EXPECT_EQ(utf8_floor(text, pos), expected[pos]) << pos;
  EXPECT_EQ(utf8_floor("", 3), 0u);
}

TEST(Terminal, CountsColumns) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("\u65e5\u672c"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("a\u200bb"), 2u);
  EXPECT_EQ(display_width("\xff"), 1u);
}

TEST(Terminal, CutsToColumnsWithAnEllipsis) {
  EXPECT_EQ(ellipsize("hello", 5), "hello");
  EXPECT_EQ(ellipsize("hello world", 5), "hell\u2026");
  EXPECT_EQ(ellipsize("\u65e5\u672c\u8a9e", 4), "\u65e5\u2026");
  EXPECT_EQ(ellipsize("hello", 1), "\u2026");
  EXPECT_EQ(ellipsize("hello", 0), "");
}

TEST(Terminal, PrintsNoControlCharacter) {
  EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f"), "a\\nb\\tc\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\r"), "\\x0d");
  EXPECT_EQ(printable("\u009b31m"), "\\x9b31m");  // C1: CSI in one character
  EXPECT_EQ(printable("caf\u00e9 \xff"), "caf\u00e9 \ufffd");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(FoldCase, IsEqualForCaseAndCompatibilityForms) {
  EXPECT_EQ(fold_case("HeLLo"), "hello");
  EXPECT_EQ(fold_case("Stra\u00dfe"), fold_case("STRASSE"));
  EXPECT_EQ(fold_case("\ufb01ne"), "fine");
  EXPECT_EQ(fold_case("\u212b"), fold_case("A\u030a"));
  EXPECT_NE(fold_case("caf\u00e9"), fold_case("cafe"));
  EXPECT_EQ(fold_case(""), "");
}

TEST(Trim, TakesAsciiSpaceFromBothEnds) {
  EXPECT_EQ(trim(" \t\r\n\v\f a b \n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\u00a0a"), "\u00a0a");
}

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);         // neighbours swapped
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);        // a swapped pair is not edited again
  EXPECT_EQ(edit_distance("retreive", "retrieve"), 1u);
}

TEST(NearestName, OffersOnlyWhatWasProbablyMeant) {
  const std::vector<std::string_view> names = {"search.top_k", "ask.top_k", "cache.enabled"};
  EXPECT_EQ(nearest_name("serach.top_k", names), "search.top_k");
  EXPECT_EQ(nearest_name("ask.topk", names), "ask.top_k");
  EXPECT_EQ(nearest_name("cache.enable", names), "cache.enabled");
  EXPECT_EQ(nearest_name("quite.another.thing", names), std::nullopt);
  EXPECT_EQ(nearest_name("x", {}), std::nullopt);
}

TEST(Format, BytesInTheUnitThatFits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1'023), "1023 B");
  EXPECT_EQ(format_bytes(1'024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1'536), "1.5 KiB");
  EXPECT_EQ(format_bytes(10LL << 20), "10 MiB");
  EXPECT_EQ(format_bytes(3LL << 40), "3.0 TiB");
  EXPECT_EQ(format_bytes(5'000LL << 40), "5000 TiB");
  EXPECT_EQ(format_bytes(-2'048), "-2.0 KiB");
  // Rounding must not give a number that the next unit would show.
  EXPECT_EQ(format_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(10 * 1'024 - 1), "10 KiB");
}

TEST(Format, TimesInTheUnitThatFits) {
  EXPECT_EQ(format_ms(0.417), "0.42 ms");
  EXPECT_EQ(format_ms(42.4), "42 ms");
  EXPECT_EQ(format_ms(1'300), "1.3 s");
  EXPECT_EQ(format_ms(125'000), "2 min 5 s");
  EXPECT_EQ(format_ms(9.999), "10 ms");
  EXPECT_EQ(format_ms(999.9), "1.0 s");
  EXPECT_EQ(format_ms(59'980), "1 min 0 s");
}

TEST(Format, CountsWithSeparators) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'000), "1,000");
  EXPECT_EQ(format_count(-1'234'567), "-1,234,567");
  EXPECT_EQ(format_count(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace docmind
