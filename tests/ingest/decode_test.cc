// Decoding: byte order marks, detection, declared encodings, repair, binary data.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "ingest/decode.h"
#include "ingest/reader.h"
#include "ingest/utf8.h"

namespace docmind::ingest {
namespace {

using namespace std::string_literals;

DecodedText decode_ok(std::string_view bytes, std::string_view declared = {}) {
  auto decoded = decode_text(bytes, declared);
  EXPECT_TRUE(decoded.ok()) << decoded.error().message;
  return decoded.ok() ? std::move(decoded).value() : DecodedText{};
}

std::string to_utf16(std::u16string_view text, bool big) {
  std::string out;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xFF);
    out += big ? std::string{high, low} : std::string{low, high};
  }
  return out;
}

std::string to_utf32(std::u32string_view text, bool big) {
  std::string out;
  for (const char32_t c : text) {
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(c >> (8 * (big ? 3 - i : i))));
  }
  return out;
}

TEST(Decode, Utf8WithAndWithoutMark) {
  const DecodedText plain = decode_ok("na\xC3\xAFve");
  EXPECT_EQ(plain.text, "na\xC3\xAFve");
  EXPECT_EQ(plain.encoding, "UTF-8");
  EXPECT_EQ(plain.n_replaced, 0U);
  EXPECT_EQ(decode_ok("\xEF\xBB\xBFtext").text, "text");
  EXPECT_EQ(decode_ok("").text, "");
}

TEST(Decode, Utf16AndUtf32) {
  const std::u16string_view text16 = u"Gr\u00FC\u00DFe \u20AC \U0001F600 hello world";
  const std::u32string_view text32 = U"Gr\u00FC\u00DFe \u20AC \U0001F600 hello world";
  const std::string expected = "Gr\xC3\xBC\xC3\x9F" "e \xE2\x82\xAC \xF0\x9F\x98\x80 hello world";
  EXPECT_EQ(decode_ok("\xFF\xFE"s + to_utf16(text16, false)).text, expected);
  EXPECT_EQ(decode_ok("\xFE\xFF"s + to_utf16(text16, true)).text, expected);
  EXPECT_EQ(decode_ok("\xFF\xFE\0\0"s + to_utf32(text32, false)).text, expected);
  EXPECT_EQ(decode_ok("\0\0\xFE\xFF"s + to_utf32(text32, true)).text, expected);
  const std::u16string_view plain16 = u"Hello there, this is text without a mark";
  EXPECT_EQ(decode_ok(to_utf16(plain16, false)).encoding, "UTF-16LE");
  EXPECT_EQ(decode_ok(to_utf16(plain16, true)).encoding, "UTF-16BE");
  EXPECT_EQ(decode_ok(to_utf16(plain16, true)).text, "Hello there, this is text without a mark");
  EXPECT_EQ(decode_ok(to_utf32(U"plain text", false)).text, "plain text");
}

TEST(Decode, BrokenSurrogatesAreReplaced) {
  const DecodedText decoded = decode_ok("\xFF\xFE"s + to_utf16(u"some text before ", false) +
                                        "\x00\xD8"s + to_utf16(u" and after", false));
  EXPECT_EQ(decoded.text, "some text before \xEF\xBF\xBD and after");
  EXPECT_EQ(decoded.n_replaced, 1U);
}

TEST(Decode, LegacyEncodings) {
  EXPECT_EQ(decode_ok("caf\xE9 \x80 5").text, "caf\xC3\xA9 \xE2\x82\xAC 5");
  const std::string russian =
      "\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0! \xDD\xF2\xEE \xF2\xE5\xEA\xF1\xF2 \xED\xE0 "
      "\xF0\xF3\xF1\xF1\xEA\xEE\xEC \xFF\xE7\xFB\xEA\xE5, \xEA\xEE\xF2\xEE\xF0\xFB\xE9 "
      "\xE4\xEE\xEB\xE6\xE5\xED \xE1\xFB\xF2\xFC \xEE\xEF\xEE\xE7\xED\xE0\xED.";
  EXPECT_EQ(decode_ok(russian).text.substr(0, 12), "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82");
  EXPECT_EQ(decode_ok("\x93\xFA\x96\x7B\x8C\xEA", "shift_jis").text,
            "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E");
  EXPECT_EQ(decode_ok("\x1B$B\x46\x7C\x4B\x5C\x1B(B abc", "iso-2022-jp").text,
            "\xE6\x97\xA5\xE6\x9C\xAC abc");
}

TEST(Decode, DeclarationsAreReadAsTheWebDoes) {
  EXPECT_EQ(decode_ok("\x93quoted\x94 text", "ISO-8859-1").text,
            "\xE2\x80\x9Cquoted\xE2\x80\x9D text");
  EXPECT_EQ(decode_ok("\xC3\xA9", "iso-8859-1").text, "\xC3\xA9");
  EXPECT_EQ(decode_ok("plain text, wrongly declared", "utf-16").text,
            "plain text, wrongly declared");
  EXPECT_EQ(decode_ok("caf\xE9 here", "no-such-encoding").text, "caf\xC3\xA9 here");
  EXPECT_EQ(decode_ok("+ADw-script+AD4-", "utf-7").text, "+ADw-script+AD4-");
}

TEST(Decode, DamagedUtf8IsRepaired) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "d\xC3\xA9j\xC3\xA0 vu ";
  const DecodedText decoded = decode_ok(text + "\xC3 broken \xF0\x9F\x98 end");
  EXPECT_EQ(decoded.encoding, "UTF-8");
  EXPECT_EQ(decoded.n_replaced, 2U);
  EXPECT_TRUE(decoded.text.ends_with("\xEF\xBF\xBD broken \xEF\xBF\xBD end"));
}

TEST(Decode, LineEndsAndNulAreTidied) {
  EXPECT_EQ(decode_ok("a\r\nb\rc\n\r\nd").text, "a\nb\nc\n\nd");
  EXPECT_EQ(decode_ok("a text of some length with one\0 in it"s).text,
            "a text of some length with one in it");
}

TEST(Decode, BinaryDataIsMalformed) {
  std::mt19937 random(7);
  for (const size_t size : {size_t{300}, size_t{5'000}, size_t{200'000}}) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const auto decoded = decode_text(bytes, "");
    ASSERT_FALSE(decoded.ok()) << size;
    EXPECT_EQ(decoded.error().code, ErrorCode::kMalformed);
    EXPECT_NE(decoded.error().message.find("looks like binary data"), std::string::npos);
    EXPECT_TRUE(looks_binary(bytes));
  }
  EXPECT_FALSE(decode_text(std::string(500, '\x01'), "").ok());
  EXPECT_FALSE(decode_text("ELF" + std::string(500, '\0'), "").ok());
}

TEST(Decode, ResultIsAlwaysValidUtf8) {
  std::mt19937 random(11);
  constexpr std::string_view kPieces[] = {"word ", "\xC3", "\xA9", "\xE2\x82\xAC", "\xED\xA0\x80",
                                          "\r", "\n", "\xF5", "\xC0\x80", "\xF0\x9F\x98\x80"};
  constexpr std::string_view kNames[] = {"", "utf-8", "shift_jis", "gb18030", "euc-jp", "big5",
                                         "iso-2022-jp", "windows-1251"};
  for (int round = 0; round < 400; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) bytes += kPieces[random() % std::size(kPieces)];
    const auto decoded = decode_text(bytes, kNames[random() % std::size(kNames)]);
    if (!decoded.ok()) continue;
    EXPECT_TRUE(is_valid_utf8(decoded->text));
    EXPECT_EQ(decoded->text.find('\r'), std::string::npos);
    EXPECT_EQ(decoded->text.find('\0'), std::string::npos);
  }
}

TEST(Utf8, OneLineCollapsesAndCuts) {
  EXPECT_EQ(one_line("  a \n b\xC2\xA0 c\x01", 100), "a b c");
  EXPECT_EQ(one_line("a\xC3\xA9", 2), "a");
  EXPECT_EQ(one_line("", 5), "");
  EXPECT_EQ(trim(" \t x \n"), "x");
  EXPECT_EQ(trim("  "), "");
}

}  // namespace
}  // namespace docmind::ingest
