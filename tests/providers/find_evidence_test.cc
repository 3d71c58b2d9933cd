// find_evidence: the sentences that a written answer stands on.
// SPDX-License-Identifier: Apache-2.0
#include "providers/find_evidence.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace docmind::providers {
namespace {

const std::vector<Passage> kPassages{
    {.text = "Employees have thirty days of annual leave. Unused leave days expire on the last day of March."},
    {.text = "The pump weighs forty kilograms. It must be greased every six weeks. Spare parts are on the shelf."}};

std::vector<std::string> quotes(const std::vector<Evidence>& evidence) {
  std::vector<std::string> texts;
  for (const Evidence& span : evidence) {
    texts.emplace_back(kPassages[span.passage].text.substr(span.begin, span.end - span.begin));
  }
  return texts;
}

TEST(FindEvidence, FindsTheSentenceBehindEachMark) {
  EXPECT_EQ(quotes(find_evidence("Unused days of leave expire at the end of March [1]. The pump is greased "
                                 "every six weeks [2].", kPassages)),
            (std::vector<std::string>{"Unused leave days expire on the last day of March.",
                                      "It must be greased every six weeks."}));
  EXPECT_EQ(quotes(find_evidence("The pump weighs forty kilograms. It is greased every six weeks [2].", kPassages)),
            (std::vector<std::string>{"The pump weighs forty kilograms.", "It must be greased every six weeks."}))
      << "all sentences since the mark before";
}

TEST(FindEvidence, LooksOnlyIntoTheNamedPassage) {
  EXPECT_TRUE(find_evidence("The pump weighs forty kilograms [1].", kPassages).empty());
  EXPECT_TRUE(find_evidence("Cats are grey at night [1][2].", kPassages).empty());
  EXPECT_TRUE(find_evidence("Unused leave days expire [7].", kPassages).empty()) << "not a given passage";
  EXPECT_TRUE(find_evidence("[1]", kPassages).empty());
  EXPECT_TRUE(find_evidence("", kPassages).empty());
}

TEST(FindEvidence, TakesEachSpanOnceAndGroupsOfMarksTogether) {
  EXPECT_EQ(find_evidence("The pump weighs forty kilograms [2]. So the pump weighs forty kilograms [2].", kPassages)
                .size(), 1U);
  EXPECT_EQ(quotes(find_evidence("The pump weighs forty kilograms [1], [2].", kPassages)),
            (std::vector<std::string>{"The pump weighs forty kilograms."}));
}

TEST(FindEvidence, FindsTheSourceOfAnUncitedAnswerOnlyWhenItIsClear) {
  EXPECT_EQ(quotes(find_uncited_evidence("The pump must be greased every six weeks.", kPassages)),
            (std::vector<std::string>{"It must be greased every six weeks."}));
  EXPECT_TRUE(find_uncited_evidence("The pump is heavy and blue like the sea.", kPassages).empty());
}

}  // namespace
}  // namespace docmind::providers
