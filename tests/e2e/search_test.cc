// docmind search: ranked passages in its forms, and files of queries.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

class Search : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    for (int i = 0; i < 12; ++i) {
      const std::string n = std::to_string(i);
      box_.doc("rooms/" + n + ".md", "# Room " + n + "\n\nRoom " + n + " has a projector and " + n +
                                         " chairs for meetings.\n");
    }
    box_.index();
  }
  Sandbox box_;
};

TEST_F(Search, HasAStableJsonForm) {
  const json::value found = box_.json_of({"search", "--json", "how often is the pump greased"});
  EXPECT_EQ(text(found, "query"), "how often is the pump greased");
  const json::array results = list(found, "results");
  ASSERT_FALSE(results.empty());
  EXPECT_EQ(text(results[0], "path"), box_.docs() + "/pump.pdf");
  EXPECT_TRUE(contains(text(results[0], "text"), "greased every six weeks"));
  EXPECT_GE(number(results[0], "start_line"), 1);
  EXPECT_GE(number(results[0], "end_line"), number(results[0], "start_line"));
  EXPECT_GE(number(results[0], "page"), 1);
  EXPECT_EQ(text(results[0], "title"), "Pump manual");
  const json::value lines = box_.json_of({"search", "--json", "unused leave days expire"});
  EXPECT_EQ(text(list(lines, "results").at(0), "path"), box_.docs() + "/leave.md");
  EXPECT_TRUE(list(lines, "results").at(0).at("page").is_null());
}

TEST_F(Search, GivesTheBestFirstAndNoMoreThanAskedFor) {
  for (const char* flag : {"-k", "--top-k"}) {
    for (const int k : {1, 3, 12}) {
      const json::value found =
          box_.json_of({"search", "--json", "projector chairs meetings", flag, std::to_string(k)});
      const json::array results = list(found, "results");
      ASSERT_EQ(results.size(), static_cast<size_t>(k));
      for (size_t i = 1; i < results.size(); ++i) {
        EXPECT_GE(results[i - 1].at("score").as_double(), results[i].at("score").as_double());
      }
    }
  }
  EXPECT_EQ(list(box_.json_of({"search", "--json", "projector chairs meetings"}), "results").size(),
            10U);
}

TEST_F(Search, PrintsPlaceAndPreview) {
  const ProcessResult result = box_.run({"search", "-k", "2", "espresso", "descaling"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with(" 1  docs/coffee.html:")) << result.out;
  EXPECT_TRUE(contains(result.out, "    Coffee corner The espresso machine needs descaling"))
      << result.out;
  EXPECT_FALSE(contains(result.out, "Imprint")) << "boilerplate: " << result.out;
  const ProcessResult nothing = box_.run({"search", "qqqqzzzz"});
  EXPECT_EQ(nothing.code, 0) << nothing.err;
  EXPECT_TRUE(contains(nothing.out, "No passage")) << nothing.out;
  EXPECT_TRUE(list(box_.json_of({"search", "--json", "qqqqzzzz"}), "results").empty());
}

TEST_F(Search, RunsAFileOfQueries) {
  box_.folder.write("q.tsv", "q1\tespresso descaling\n\nq 2\tVPN gateway\r\n\"3\"\tqqqqzzzz\nlast\tlease");
  const ProcessResult result = box_.run({"search", "--queries", "q.tsv", "--top-k", "2"});
  EXPECT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 4U) << result.out;
  const std::vector<std::string> ids = {"q1", "q 2", "\"3\"", "last"};
  const std::vector<std::string> files = {"coffee.html", "network/vpn.txt", "", "lease.docx"};
  for (size_t i = 0; i < lines.size(); ++i) {
    const Result<json::value> object = parse_json(lines[i], 8, 1u << 20);
    ASSERT_TRUE(object.ok()) << object.error().message;
    EXPECT_EQ(text(*object, "id"), ids[i]);
    const json::array results = list(*object, "results");
    ASSERT_EQ(results.empty(), files[i].empty()) << lines[i];
    if (results.empty()) continue;
    EXPECT_LE(results.size(), 2U);
    EXPECT_EQ(text(results[0], "path"), box_.docs() + "/" + files[i]);
    EXPECT_TRUE(results[0].at("score").is_double());
  }
}

TEST_F(Search, NamesABadLineOfQueries) {
  box_.folder.write("q.tsv", "q1\tlease\nno tab here\nq3\tVPN\n");
  const ProcessResult result = box_.run({"search", "--queries", "q.tsv"});
  EXPECT_EQ(result.code, 2);
  EXPECT_TRUE(contains(result.err, "'q.tsv' line 2")) << result.err;
  EXPECT_TRUE(contains(result.err, "id<TAB>query")) << result.err;
  const ProcessResult missing = box_.run({"search", "--queries", "absent.tsv"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_TRUE(contains(missing.err, "absent.tsv")) << missing.err;
}

TEST_F(Search, WantsAQueryOrAFile) {
  box_.folder.write("q.tsv", "q1\tlease\n");
  EXPECT_EQ(box_.run({"search"}).code, 2);
  EXPECT_EQ(box_.run({"search", "lease", "--queries", "q.tsv"}).code, 2);
}

TEST_F(Search, TakesAnyTextForAQuery) {
  for (const char* query : {"\"", "a AND (b", "NEAR(", "*", "title:pump", "caf\xe9 \xff", "'; --", "-",
                            "x\x01y", "{json}"}) {
    const json::value found = box_.json_of({"search", "--json", "--", query});
    EXPECT_TRUE(found.as_object().contains("results")) << query;
  }
  const std::string longest(100'000, 'w');
  EXPECT_EQ(box_.run({"search", "--", longest}).code, 0);
  EXPECT_EQ(box_.run({"ask", "--", longest}).code, 0);
}

}  // namespace
}  // namespace docmind::test
