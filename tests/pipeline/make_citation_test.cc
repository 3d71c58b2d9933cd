// make_citation: the section that is named, the quotes, and lines when the source is gone.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/make_citation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace docmind::pipeline {
namespace {

Passage passage_of(std::string text) {
  return {.path = "/absent/file.md",
          .title = "Recovery",
          .heading = "Recovery > Stopping",
          .text = std::move(text),
          .start_line = 10,
          .end_line = 30};
}

Citation cite(const Passage& passage, std::string_view quote) {
  const size_t at = passage.text.find(quote);
  EXPECT_NE(at, std::string::npos);
  const std::vector<providers::Evidence> spans = {{0, at, at + quote.size()}};
  return make_citation(3, passage, spans);
}

const char* const kTwoSections =
    "Stopping\n\nPress Ctrl-C once to stop in an orderly way.\n\n"
    "What a crash leaves behind\n\nAfter a crash the store holds the last transaction.\n";

TEST(MakeCitation, NamesTheSectionOfTheQuote) {
  const Passage passage = passage_of(kTwoSections);
  EXPECT_EQ(cite(passage, "Press Ctrl-C once").heading, "Recovery > Stopping");
  EXPECT_EQ(cite(passage, "After a crash").heading, "Recovery > What a crash leaves behind");
}

TEST(MakeCitation, ALineOfCodeIsNoSection) {
  const Passage passage =
      passage_of("Stopping\n\nSend a signal.\n\nplot 'file' using 1:2\n\nThe process ends.\n");
  EXPECT_EQ(cite(passage, "The process ends.").heading, "Recovery > Stopping");
}

TEST(MakeCitation, ASettingNamesItsSection) {
  const Passage passage = passage_of("lock_wait_ms (integer)\n\nHow long the second writer waits.\n");
  EXPECT_EQ(cite(passage, "How long").heading, "Recovery > lock_wait_ms (integer)");
}

TEST(MakeCitation, WithoutTheSourceThePassagesLinesStay) {
  const Passage passage = passage_of(kTwoSections);
  const Citation citation = cite(passage, "After a crash the store");
  EXPECT_EQ(citation.number, 3);
  EXPECT_EQ(citation.path, passage.path);
  EXPECT_EQ(citation.start_line, 10u);
  EXPECT_EQ(citation.end_line, 30u);
  ASSERT_EQ(citation.quotes.size(), 1u);
  EXPECT_EQ(citation.quotes[0], "After a crash the store");
}

TEST(MakeCitation, NamesThePageOfTheQuote) {
  Passage passage = passage_of("On page four. Across the\nborder of pages. On page six.");
  passage.page = 4;
  passage.end_page = 6;
  passage.page_starts = {{static_cast<uint32_t>(passage.text.find("border")), 5},
                         {static_cast<uint32_t>(passage.text.find("On page six")), 6}};
  const auto pages = [&](std::string_view quote) {
    const Citation citation = cite(passage, quote);
    return std::pair(citation.page, citation.end_page);
  };
  EXPECT_EQ(pages("On page four."), std::pair(4u, 4u));
  EXPECT_EQ(pages("Across the\nborder of pages."), std::pair(4u, 5u));
  EXPECT_EQ(pages("border of pages."), std::pair(5u, 5u));
  EXPECT_EQ(pages("On page six."), std::pair(6u, 6u));
  passage.page_starts.clear();
  EXPECT_EQ(pages("On page six."), std::pair(4u, 6u));
}

TEST(MakeCitation, WithoutEvidenceItIsThePassage) {
  const Passage passage = passage_of(kTwoSections);
  const Citation citation = make_citation(1, passage, {});
  EXPECT_EQ(citation.heading, "Recovery > Stopping");
  EXPECT_TRUE(citation.quotes.empty());
}

}  // namespace
}  // namespace docmind::pipeline
