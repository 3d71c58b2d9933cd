// normalise_question: what is the same question, and what must never be.
// SPDX-License-Identifier: Apache-2.0
#include "cache/normalise_question.h"

#include <gtest/gtest.h>

namespace docmind::cache {
namespace {

TEST(NormaliseQuestion, EquatesWhatMeansTheSame) {
  const std::string_view pairs[][2] = {
      {"What is a joule?", "what is a joule"},
      {"  What\t is\n\na  joule ?? ", "what is a joule"},
      {"Who was Henry Joule?!", "who was henry joule"},
      {"Was ist ein Öltank?", "was ist ein öltank"},
      {"Cafe\u0301 hours", "Caf\u00e9 hours"},             // decomposed and composed
      {"什么是焦耳？", "什么是焦耳"},
      {"What is meant by \"work\"?", "what is meant by \"work\""},
      {"How many kg in 2024.", "how many kg in 2024"},
      {"what\u00a0is\u2003it", "what is it"},
  };
  for (const auto& pair : pairs) {
    EXPECT_EQ(normalise_question(pair[0]), normalise_question(pair[1])) << pair[0];
  }
}

TEST(NormaliseQuestion, KeepsApartWhatMayMeanAnother) {
  const std::string_view pairs[][2] = {
      {"What is IT?", "What is it?"},
      {"population of the US", "population of us"},
      {"How many mW?", "How many MW?"},
      {"capacity in Mb", "capacity in MB"},
      {"what is vitamin K", "what is vitamin k"},
      {"the M3 processor", "the m3 processor"},
      {"Wie groß sind die Maße?", "Wie groß sind die Masse?"},
      {"what is 5!", "what is 5"},
      {"what does *? match", "what does * match"},
      {"what does the pattern *?", "what does the pattern *"},
      {"Is it 1.5?", "Is it 15?"},
      {"is it on", "is it not on"},
      {"what is x²", "what is x2"},
      {"release 1", "release 2"},
      {"re sign the form", "resign the form"},
      {"résumé", "resume"},
  };
  for (const auto& pair : pairs) {
    EXPECT_NE(normalise_question(pair[0]), normalise_question(pair[1])) << pair[0];
  }
}

TEST(NormaliseQuestion, TakesAnyBytes) {
  EXPECT_EQ(normalise_question(""), "");
  EXPECT_EQ(normalise_question(" \n\t "), "");
  EXPECT_EQ(normalise_question("???"), "???");
  EXPECT_EQ(normalise_question("  bad \xff Bytes? \n"), "bad \xff Bytes?");
  EXPECT_NE(normalise_question("\xff"), normalise_question("\xfe"));
  EXPECT_EQ(normalise_question(std::string_view("a\0b", 3)), std::string("a\0b", 3));
}

}  // namespace
}  // namespace docmind::cache
