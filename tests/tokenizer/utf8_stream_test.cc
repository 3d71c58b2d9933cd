// Utf8Stream: characters come whole, however the bytes are cut.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/utf8_stream.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.h"

namespace docmind::tokenizer {
namespace {

TEST(Utf8Stream, HoldsBackACharacterUntilItIsWhole) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xE6"), "a");
  EXPECT_EQ(stream.push("\x97"), "");
  EXPECT_EQ(stream.push("\xA5z"), "日z");
  EXPECT_EQ(stream.finish(), "");
}

TEST(Utf8Stream, ReplacesWhatNeverBecomesACharacter) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("\xE6\x97"), "");
  EXPECT_EQ(stream.push("x\xFF"), "\uFFFDx\uFFFD");
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.push("b"), "b");  // begins anew
}

TEST(Utf8Stream, PiecesDoNotMatter) {
  rc::check([] {
    const auto bytes = *rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::arbitrary<char>(), rc::gen::element('\xF0', '\x9F', '\x98', '\x80', '\xE6', '\x97', '\xA5', 'a')));
    Utf8Stream stream;
    std::string together;
    for (size_t at = 0; at < bytes.size();) {
      const auto n = *rc::gen::inRange<size_t>(1, 4);
      const std::string text = stream.push(bytes.substr(at, n));
      RC_ASSERT(is_valid_utf8(text));
      together += text;
      at += n;
    }
    together += stream.finish();
    RC_ASSERT(together == to_valid_utf8(bytes));
  });
}

}  // namespace
}  // namespace docmind::tokenizer
