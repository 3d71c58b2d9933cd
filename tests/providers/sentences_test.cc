// Sentence splitting: wraps, lists, tables, code, abbreviations, other scripts, hostile input.
// SPDX-License-Identifier: Apache-2.0
#include "providers/sentences.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace docmind::providers {
namespace {

std::vector<std::string> texts_of(std::string_view text) {
  std::vector<std::string> texts;
  for (const Sentence& sentence : split_sentences(text)) {
    texts.emplace_back(text.substr(sentence.begin, sentence.end - sentence.begin));
  }
  return texts;
}

std::vector<BlockKind> kinds_of(std::string_view text) {
  std::vector<BlockKind> kinds;
  for (const Sentence& sentence : split_sentences(text)) kinds.push_back(sentence.kind);
  return kinds;
}

using Texts = std::vector<std::string>;

TEST(Sentences, SplitsAParagraph) {
  EXPECT_EQ(texts_of("One is here. Is two there? Three!"),
            (Texts{"One is here.", "Is two there?", "Three!"}));
  EXPECT_TRUE(texts_of("").empty());
  EXPECT_TRUE(texts_of(" \n\t\n ").empty());
}

TEST(Sentences, HardWrapsDoNotEndASentence) {
  const auto texts = texts_of(
      "The index contains entries only for those table\n"
      "rows that satisfy the predicate. Partial indexes are a\n"
      "specialized feature of the server.\n");
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts[0],
            "The index contains entries only for those table\nrows that satisfy the predicate.");
}

TEST(Sentences, LongUnwrappedLinesAreParagraphs) {
  const std::string first = std::string(20, 'a') + " is a paragraph that" + std::string(120, 'b');
  EXPECT_EQ(texts_of(first + "\nThe second paragraph"), (Texts{first, "The second paragraph"}));
}

TEST(Sentences, AbbreviationsAndNumbersStayTogether) {
  for (const std::string_view text :
       {"Use a tool, e.g. Foo or Bar, for that.", "See Fig. 3 and Dr. Smith of No. 5 for more.",
        "Version 1.2.3 reads pg_hba.conf at start.", "The paper by J. Smith et al. Was read.",
        "Run ALTER TABLE ... ENABLE ROW LEVEL SECURITY on it.", "It shouts \"Why?\" and leaves.",
        "1. Introduction to it all."}) {
    EXPECT_EQ(texts_of(text).size(), 1U) << text;
  }
  EXPECT_EQ(texts_of("This is plan B. The plan is good.").size(), 2U);
  EXPECT_EQ(texts_of("Is it? No. The server stays up.").size(), 3U);
}

TEST(Sentences, ListItemsAreOwnBlocks) {
  const std::string_view text =
      "The modes are:\n- fast mode. It is quick.\n- slow mode,\n  which waits\n2. third item\n";
  const std::vector<Sentence> sentences = split_sentences(text);
  EXPECT_EQ(texts_of(text), (Texts{"The modes are:", "- fast mode.", "It is quick.",
                                   "- slow mode,\n  which waits", "2. third item"}));
  EXPECT_EQ(sentences[1].kind, BlockKind::kItem);
  EXPECT_EQ(sentences[1].block, sentences[2].block);
  EXPECT_NE(sentences[2].block, sentences[3].block);
}

TEST(Sentences, TellsTablesCodeAndHeadingsApart) {
  EXPECT_EQ(kinds_of("Numeric Types\n\nName | Size\nint | 4 bytes\n\n"
                     "CREATE TABLE t (\n    id int,\n    b text\n);\n\n"
                     "The types are described below."),
            (std::vector{BlockKind::kHeading, BlockKind::kTable, BlockKind::kTable,
                         BlockKind::kCode, BlockKind::kProse}));
  EXPECT_EQ(kinds_of("work_mem (integer)\n\nSets the amount of memory.").front(),
            BlockKind::kHeading);
  EXPECT_EQ(kinds_of("pg_dump \u2014 extract a database into a file").front(), BlockKind::kProse);
  EXPECT_EQ(kinds_of("$ pg_ctl start -D /data").front(), BlockKind::kCode);
  EXPECT_EQ(kinds_of("SELECT * FROM orders WHERE billed is not true AND amount > 5000.00;").front(),
            BlockKind::kCode);
}

TEST(Sentences, FencedCodeIsOneSentence) {
  const std::string_view text =
      "Run this:\n\n```sh\nmake all. Then wait.\n\nmake test\n```\nDone now.";
  EXPECT_EQ(texts_of(text),
            (Texts{"Run this:", "```sh\nmake all. Then wait.\n\nmake test\n```", "Done now."}));
}

TEST(Sentences, APassageMayBeginInsideAFence) {
  EXPECT_EQ(kinds_of("x = compute(y);\nreturn x;\n```\nThat is how it is done."),
            (std::vector{BlockKind::kCode, BlockKind::kProse}));
}

TEST(Sentences, OtherScripts) {
  EXPECT_EQ(texts_of("\u3053\u308c\u306f\u672c\u3067\u3059\u3002\u305d\u308c\u3082\u3002").size(),
            2U);
  EXPECT_EQ(texts_of("\u00c4rger gibt es. \u00dcberall ist Ruh.").size(), 2U);
}

TEST(Sentences, LongRunsOfDotsAndNumbersTakeLinearTime) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "1. ";
  EXPECT_EQ(texts_of(text).size(), 1U);
}

}  // namespace
}  // namespace docmind::providers
