// --explain: where the time of a whole run went, for people and as JSON.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class Explain : public testing::Test {
 protected:
  void SetUp() override { write_sample_docs(box_); }
  Sandbox box_;
};

TEST_F(Explain, AnIndexRunShowsItsStagesAndCounts) {
  const ProcessResult result = box_.run({"index", "--explain", "docs"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* words : {"stage ", "parse ", "store ", "train ", "total_index ", "files_indexed ",
                            "vectors_embedded ", "peak_memory "}) {
    EXPECT_TRUE(contains(result.out, words)) << words << result.out;
  }
  EXPECT_FALSE(contains(box_.run({"index", "docs"}).out, "peak_memory"));
}

TEST_F(Explain, AnIndexRunGivesThemAsJson) {
  const json::value report = box_.json_of({"index", "--json", "--explain", "docs"});
  const json::value& metrics = report.at("metrics");
  const int64_t n_files = number(report, "added");
  EXPECT_EQ(number(metrics.at("counters"), "files_indexed"), n_files);
  EXPECT_EQ(number(metrics.at("counters"), "vectors_embedded"), number(report.at("store"), "vectors"));
  EXPECT_EQ(number(metrics.at("stages").at("parse"), "count"), n_files);
  EXPECT_GT(number(metrics, "peak_rss_bytes"), 1 << 20);
  EXPECT_FALSE(box_.json_of({"index", "--json", "docs"}).as_object().contains("metrics"));
}

TEST_F(Explain, ManyQuestionsAreSummedUp) {
  box_.index();
  const ProcessResult asked = box_.shell(
      "printf 'How often must the pump be greased?\\nWho won the world cup?\\n' | docmind ask --explain");
  EXPECT_TRUE(contains(asked.err, "total_ask ")) << asked.err;
  EXPECT_TRUE(contains(asked.err, "answers_declined ")) << asked.err;
  const ProcessResult searched = box_.shell(
      "printf '1\\tpump\\n2\\tgrease\\n' > q.tsv && docmind search --explain --queries q.tsv");
  EXPECT_EQ(searched.code, 0) << searched.err;
  EXPECT_TRUE(contains(searched.err, "total_search ")) << searched.err;
  EXPECT_EQ(lines_of(searched.out).size(), 2U) << "results and measures do not mix";
}

}  // namespace
}  // namespace docmind::test
