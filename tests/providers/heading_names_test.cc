// Headings that are names, and what of them is the name.
// SPDX-License-Identifier: Apache-2.0
#include "providers/heading_names.h"

#include <gtest/gtest.h>

#include <vector>

namespace docmind::providers {
namespace {

TEST(HeadingNames, SettingsOptionsCommandsAndFunctionsAreNames) {
  for (const char* heading : {"work_mem (integer)", "--jobs=N", "-j njobs", "round(x)", "CONCURRENTLY",
                              "IF NOT EXISTS", "\\list", "enabled (boolean)"}) {
    EXPECT_TRUE(is_name(heading)) << heading;
    EXPECT_TRUE(may_be_name(heading)) << heading;
  }
}

TEST(HeadingNames, TitlesAreNot) {
  for (const char* heading : {"Routine Vacuuming", "25.1.4. Updating the map", "SQL syntax", "", " ",
                              "A very long heading with a snake_case word that goes on and on for long"}) {
    EXPECT_FALSE(is_name(heading)) << heading;
  }
  EXPECT_FALSE(is_name("Notes"));
  EXPECT_TRUE(may_be_name("Notes"));
}

TEST(HeadingNames, TheBareNameLeavesKindAndArgumentsOut) {
  EXPECT_EQ(bare_name("work_mem (integer)"), "work_mem");
  EXPECT_EQ(bare_name("--jobs=N"), "--jobs");
  EXPECT_EQ(bare_name("round(x)"), "round");
  EXPECT_EQ(bare_name("CONCURRENTLY"), "CONCURRENTLY");
}

TEST(HeadingNames, PrecisionCountsContentWordsOnly) {
  WordAnalyzer analyzer;
  const std::vector<Word> words = analyzer.analyze("25.1. The vacuum of tables");
  std::vector<double> credits(words.size(), 0.0);
  for (size_t i = 0; i < words.size(); ++i) credits[i] = words[i].source == "vacuum" ? 1.0 : 0.0;
  EXPECT_DOUBLE_EQ(heading_precision(words, credits), 0.5);
  EXPECT_DOUBLE_EQ(heading_precision({}, {}), 0.0);
}

}  // namespace
}  // namespace docmind::providers
