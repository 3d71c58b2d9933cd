// Charsmap: keys and values of a map made by hand, the longest key, and bytes that are no map.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/charsmap.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tokenizer/charsmap_samples.h"

namespace docmind::tokenizer {
namespace {

std::string normalise(const Charsmap& map, std::string_view text) {
  std::string normal;
  while (!text.empty()) {
    const Charsmap::Piece piece = map.normalise_front(text);
    normal += piece.text;
    text.remove_prefix(piece.n_bytes);
  }
  return normal;
}

Charsmap parse(std::string_view bytes) {
  auto map = Charsmap::parse(bytes);
  EXPECT_TRUE(map.ok()) << (map.ok() ? "" : map.error().message);
  return std::move(map).value();
}

TEST(Charsmap, ReplacesTheLongestKey) {
  const Charsmap map = parse(test::charsmap_of({{"ab", "X"}, {"abc", "Y"}, {"é", "e"}, {"\t", " "}, {"q", ""}}));
  EXPECT_EQ(normalise(map, "abcabab é\tqz"), "YXX e z");
  EXPECT_EQ(normalise(map, "aab"), "aX");
  EXPECT_EQ(normalise(map, "ab\u0301"), "X\u0301");
}

TEST(Charsmap, AKeyMayBeginWithPlainLetters) {
  const Charsmap map = parse(test::charsmap_of({{"e\u0301", "é"}}));
  EXPECT_EQ(normalise(map, "ee\u0301e"), "eée");
}

TEST(Charsmap, AnEmptyMapKeepsTextAndRepairsBytes) {
  const Charsmap map = parse("");
  EXPECT_EQ(normalise(map, "aé日\U0001F600"), "aé日\U0001F600");
  EXPECT_EQ(normalise(map, "a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(normalise(map, "\xE6\x97"), "\uFFFD");
}

TEST(Charsmap, RefusesSizesThatDoNotFit) {
  const std::string good = test::charsmap_of({{"a", "b"}});
  EXPECT_TRUE(Charsmap::parse(good).ok());
  EXPECT_FALSE(Charsmap::parse(good.substr(0, 3)).ok());
  EXPECT_FALSE(Charsmap::parse(good.substr(0, 40)).ok());        // ends within the array
  EXPECT_FALSE(Charsmap::parse(good.substr(0, good.size() - 1)).ok());  // the last NUL is missing
  std::string odd = good;
  odd[0] = static_cast<char>(odd[0] + 1);  // an array of no whole units
  EXPECT_FALSE(Charsmap::parse(odd).ok());
  const auto error = Charsmap::parse(std::string(8, '\xFF'));
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, ErrorCode::kMalformed);
  EXPECT_NE(error.error().message.find("4294967295"), std::string::npos) << error.error().message;
}

TEST(Charsmap, AnyArrayIsSafeAndMovesForward) {
  rc::check([] {
    const auto units = *rc::gen::container<std::vector<uint32_t>>(
        rc::gen::oneOf(rc::gen::arbitrary<uint32_t>(), rc::gen::inRange<uint32_t>(0, 2048)));
    const auto n = static_cast<uint32_t>(4 * units.size());
    std::string bytes(reinterpret_cast<const char*>(&n), 4);
    bytes.append(reinterpret_cast<const char*>(units.data()), n);
    bytes += *rc::gen::arbitrary<std::string>() + '\0';
    const auto map = Charsmap::parse(bytes);
    RC_ASSERT(map.ok());
    std::string_view text = *rc::gen::arbitrary<std::string>();
    const std::string copy(text);
    for (text = copy; !text.empty();) {
      const Charsmap::Piece piece = map->normalise_front(text);
      RC_ASSERT(piece.n_bytes > 0 && piece.n_bytes <= text.size());
      text.remove_prefix(piece.n_bytes);
    }
  });
}

}  // namespace
}  // namespace docmind::tokenizer
