// WordAnalyzer: where words begin and end, their stems, and which are stop words.
// SPDX-License-Identifier: Apache-2.0
#include "base/words.h"

#include <gtest/gtest.h>

namespace docmind {
namespace {

std::vector<std::string> stems_of(std::string_view text) {
  WordAnalyzer analyzer;
  std::vector<std::string> stems;
  for (const Word& word : analyzer.analyze(text)) stems.emplace_back(word.stem);
  return stems;
}
std::string stem_of(std::string_view text) {
  const std::vector<std::string> stems = stems_of(text);
  EXPECT_EQ(stems.size(), 1u) << text;
  return stems.size() == 1 ? stems[0] : std::string();
}
using Stems = std::vector<std::string>;

TEST(WordAnalyzer, GivesEachWordWithItsPlace) {
  WordAnalyzer analyzer;
  const std::string text = "The index, w\u00f6rld-wide (42)!";
  const std::vector<Word> words = analyzer.analyze(text);
  ASSERT_EQ(words.size(), 5u);
  const std::string_view sources[] = {"The", "index", "w\u00f6rld", "wide", "42"};
  const size_t offsets[] = {0, 4, 11, 18, 24};
  for (size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(words[i].source, sources[i]);
    EXPECT_EQ(words[i].offset, offsets[i]);
    EXPECT_EQ(text.substr(words[i].offset, words[i].source.size()), words[i].source);
    EXPECT_EQ(words[i].source.data(), text.data() + words[i].offset);  // borrowed, not copied
  }
  EXPECT_EQ(words[2].stem, "world");
}

TEST(WordAnalyzer, NothingButSeparatorsIsNoWord) {
  EXPECT_TRUE(stems_of("").empty());
  EXPECT_TRUE(stems_of(" ,.;-_!? \n\t").empty());
  EXPECT_TRUE(stems_of("\u2014 \u201c\u201d \u20ac").empty());
  EXPECT_TRUE(stems_of(std::string_view("\0\x01", 2)).empty());
}

// Porter's own examples (1980), step by step.
TEST(WordAnalyzer, StemsAsPorterDid) {
  EXPECT_EQ(stem_of("caresses"), "caress");
  EXPECT_EQ(stem_of("ponies"), "poni");
  EXPECT_EQ(stem_of("plastered"), "plaster");
  EXPECT_EQ(stem_of("motoring"), "motor");
  EXPECT_EQ(stem_of("hopping"), "hop");
  EXPECT_EQ(stem_of("relational"), "relat");
  EXPECT_EQ(stem_of("vietnamization"), "vietnam");
  EXPECT_EQ(stem_of("electrical"), "electr");
  EXPECT_EQ(stem_of("adoption"), "adopt");
  EXPECT_EQ(stem_of("controll"), "control");
}

TEST(WordAnalyzer, FormsOfOneWordHaveOneStem) {
  const std::string stem = stem_of("connect");
  for (const char* form : {"CONNECT", "Connected", "connecting", "connection", "connections"}) {
    EXPECT_EQ(stem_of(form), stem) << form;
  }
}

TEST(WordAnalyzer, LeavesVeryShortAndVeryLongWordsAsTheyAre) {
  EXPECT_EQ(stem_of("is"), "is");
  EXPECT_EQ(stem_of("ups"), "up");
  const std::string long_word = std::string(70, 'a') + "ing";
  EXPECT_EQ(stem_of(long_word), long_word);
}

TEST(WordAnalyzer, FoldsCaseAndAccentsOfLatinLetters) {
  EXPECT_EQ(stem_of("Caf\u00c9"), "cafe");
  EXPECT_EQ(stem_of("cafe\u0301"), "cafe");          // a combining accent belongs to its word
  EXPECT_EQ(stem_of("\u1ebe"), "e");                 // two accents
  EXPECT_EQ(stem_of("\u00c5NGSTR\u00d6M"), "angstrom");
  EXPECT_EQ(stem_of("\u0416\u0423\u041a"), "\u0436\u0443\u043a");  // Cyrillic: case only
  EXPECT_EQ(stem_of("\u4e2d\u6587"), "\u4e2d\u6587");
  EXPECT_NE(stem_of("\u0439"), stem_of("\u0438"));   // no accent, another letter
}

TEST(WordAnalyzer, SplitsLettersFromSignsButNotFromDigits) {
  EXPECT_EQ(stems_of("snake_case a.b utf8 3.14"), (Stems{"snake", "case", "a", "b", "utf8", "3", "14"}));
  EXPECT_EQ(stems_of("don't"), (Stems{"don", "t"}));
}

TEST(WordAnalyzer, MarksStopWords) {
  WordAnalyzer analyzer;
  std::string content;
  for (const Word& word : analyzer.analyze("How DOES the Checkpointer work, and why?")) {
    if (!word.stop) content += std::string(word.source) + " ";
  }
  EXPECT_EQ(content, "Checkpointer work ");
}

TEST(StopWords, AreFoundFromTheFirstToTheLast) {
  for (const char* word : {"a", "about", "cannot", "d", "do", "does", "don", "get", "how", "i", "is",
                           "itself", "just", "ll", "m", "nor", "of", "often", "please", "re", "s",
                           "t", "tell", "the", "upon", "ve", "what", "which", "whose", "why", "you",
                           "yours"}) {
    EXPECT_TRUE(is_stop_word(word)) << word;
  }
  for (const char* word : {"", "index", "aa", "yourselves", "zebra", "The", "not a", "no index"}) {
    EXPECT_FALSE(is_stop_word(word)) << word;
  }
}

TEST(WordAnalyzer, GivesTheSameForAWordSeenBefore) {
  WordAnalyzer analyzer;
  const std::string text = "The quickly running Foxes";
  std::vector<std::pair<std::string, bool>> first;
  for (const Word& word : analyzer.analyze(text)) first.emplace_back(word.stem, word.stop);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::pair<std::string, bool>> again;
    for (const Word& word : analyzer.analyze(text)) again.emplace_back(word.stem, word.stop);
    EXPECT_EQ(again, first);
  }
}

// More distinct words than the table keeps: stems of one call must all stay valid.
TEST(WordAnalyzer, KeepsEveryStemOfOneCall) {
  std::string text;
  constexpr size_t kWords = 210'000;
  for (size_t i = 0; i < kWords; ++i) text += "w" + std::to_string(i) + " ";
  WordAnalyzer analyzer;
  for (int round = 0; round < 2; ++round) {
    const std::vector<Word> words = analyzer.analyze(text);
    ASSERT_EQ(words.size(), kWords);
    size_t n_wrong = 0;
    for (const Word& word : words) n_wrong += word.stem != word.source ? 1 : 0;
    EXPECT_EQ(n_wrong, 0u);
  }
}

TEST(WordAnalyzer, InvalidBytesSeparateWords) {
  EXPECT_EQ(stems_of("alpha\xff\xfe" "beta\xc3"), (Stems{"alpha", "beta"}));
}

}  // namespace
}  // namespace docmind
