// docmind ask: the right answer from the right place, from the cache only while it is true.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr const char* kLeave = "When do unused leave days expire?";

class Ask : public testing::Test {
 protected:
  void SetUp() override {
    write_sample_docs(box_);
    box_.index();
  }
  json::value ask(const std::string& question, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"ask", "--json", question});
    return box_.json_of(std::move(flags));
  }
  // Expects an answer with `words` whose first citation is of docs/`file`; returns the citation.
  json::value expect_cited(const std::string& question, const std::string& words,
                           const std::string& file) const {
    const json::value answer = ask(question);
    EXPECT_TRUE(contains(text(answer, "answer"), words)) << text(answer, "answer");
    EXPECT_TRUE(contains(text(answer, "answer"), "[1]")) << text(answer, "answer");
    if (list(answer, "citations").empty()) {
      ADD_FAILURE() << "no citation for: " << question;
      return json::object();
    }
    const json::value citation = list(answer, "citations")[0];
    EXPECT_EQ(text(citation, "path"), box_.docs() + "/" + file);
    return citation;
  }
  Sandbox box_;
};

TEST_F(Ask, CitesFileAndLinesOrPage) {
  const json::value leave = expect_cited(kLeave, "last day of March", "leave.md");
  EXPECT_EQ(number(leave, "start_line"), 7);
  EXPECT_EQ(number(leave, "end_line"), 7);
  EXPECT_TRUE(leave.at("page").is_null());
  EXPECT_TRUE(text(leave, "heading").starts_with("Leave policy"));
  const json::value pump =
      expect_cited("How often must the pump be greased?", "every six weeks", "pump.pdf");
  EXPECT_EQ(number(pump, "page"), 2);
  const json::value vpn =
      expect_cited("How often is the VPN certificate renewed?", "ninety days", "network/vpn.txt");
  EXPECT_EQ(number(vpn, "start_line"), 2);
  expect_cited("When does the espresso machine need descaling?", "two hundred cups", "coffee.html");
  expect_cited("How long is the notice period of the lease?", "three months", "lease.docx");
}

TEST_F(Ask, PrintsAnswerSourcesAndWhereTheTimeWent) {
  const ProcessResult result = box_.run({"ask", "How often must the pump be greased?"});
  EXPECT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_GE(lines.size(), 4U) << result.out;
  EXPECT_EQ(lines[0], "The pump must be greased every six weeks. [1]");
  EXPECT_TRUE(lines[2].starts_with("  [1] docs/pump.pdf, page 2")) << result.out;
  EXPECT_TRUE(contains(lines.back(), "extractive · not cached")) << result.out;
  // Words without quotes, even those that are commands.
  const json::value words = box_.json_of({"ask", "--json", "what", "index", "status", "is", "this"});
  EXPECT_EQ(text(words, "question"), "what index status is this");
}

TEST_F(Ask, HasAStableJsonForm) {
  const json::value answer = ask(kLeave);
  EXPECT_EQ(text(answer, "question"), kLeave);
  EXPECT_TRUE(answer.at("answered").as_bool());
  EXPECT_EQ(text(answer, "provider"), "extractive");
  EXPECT_EQ(text(answer, "cache"), "miss");
  EXPECT_FALSE(answer.at("revalidated").as_bool());
  EXPECT_TRUE(answer.at("total_ms").is_double());
  EXPECT_TRUE(answer.at("stages_ms").as_object().contains("retrieve_lexical"));
  EXPECT_FALSE(answer.as_object().contains("passages"));
  const json::value citation = list(answer, "citations").at(0);
  EXPECT_EQ(number(citation, "number"), 1);
  EXPECT_EQ(text(citation, "title"), "Leave policy");
  EXPECT_FALSE(citation.at("changed_on_disk").as_bool());
  ASSERT_EQ(list(citation, "quotes").size(), 1U);
  EXPECT_EQ(list(citation, "quotes")[0].as_string(),
            "Unused leave days expire on the last day of March.");
}

TEST_F(Ask, ExplainsStagesScoresProviderAndCache) {
  const ProcessResult result = box_.run({"ask", "--explain", kLeave});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"stages\n", "retrieve_lexical", "passages\n", "score ", "relevance ",
                           "docs/leave.md:", "provider\n  extractive\n", "cache\n  not cached\n"}) {
    EXPECT_TRUE(contains(result.out, part)) << part << " in\n" << result.out;
  }
  EXPECT_TRUE(contains(box_.run({"ask", "--explain", kLeave}).out, "cache\n  cached on disk, "));
  const json::value answer = ask(kLeave, {"--explain"});
  ASSERT_FALSE(list(answer, "passages").empty());
  EXPECT_TRUE(list(answer, "passages")[0].at("score").is_double());
}

TEST_F(Ask, ServesARepeatFromTheCacheAcrossProcesses) {
  EXPECT_EQ(text(ask(kLeave), "cache"), "miss");
  const json::value repeat = ask("  When do unused  leave days expire ");
  EXPECT_EQ(text(repeat, "cache"), "disk");
  EXPECT_TRUE(contains(text(repeat, "answer"), "last day of March"));
  EXPECT_EQ(number(list(repeat, "citations").at(0), "start_line"), 7);
  EXPECT_EQ(text(ask(kLeave, {"--no-cache"}), "cache"), "off");
  EXPECT_EQ(text(ask(kLeave, {"--tenant", "other"}), "cache"), "miss");
  EXPECT_EQ(text(ask(kLeave, {"--max-sentences", "1"}), "cache"), "miss") << "other settings";
  // A change elsewhere: the answer is checked and stands.
  box_.doc("other.md", "# Parking\n\nThe garage closes at eight.\n");
  box_.index();
  EXPECT_EQ(text(ask("Which is the gateway called?"), "cache"), "miss");
  EXPECT_EQ(text(ask(kLeave), "cache"), "disk");
}

TEST_F(Ask, NeverGivesTheOldAnswerOfAChangedFile) {
  EXPECT_TRUE(contains(text(ask(kLeave), "answer"), "March"));
  box_.doc("leave.md", "# Leave policy\n\n## Carry over\n\nUnused leave days expire on the last day of "
                       "June.\n");
  // Not indexed again yet: the index is what it was, and the answer says that the file is not.
  const ProcessResult stale = box_.run({"ask", kLeave});
  EXPECT_TRUE(contains(stale.err, "docs/leave.md changed since it was indexed")) << stale.err;
  EXPECT_FALSE(contains(stale.out, "· cached")) << stale.out;
  box_.index();
  for (int round = 0; round < 2; ++round) {
    const json::value fresh = ask(kLeave);
    EXPECT_TRUE(contains(text(fresh, "answer"), "June")) << text(fresh, "answer");
    EXPECT_FALSE(contains(text(fresh, "answer"), "March")) << text(fresh, "answer");
  }
  box_.folder.remove("docs/leave.md");
  box_.index();
  const json::value gone = ask(kLeave);
  EXPECT_FALSE(contains(text(gone, "answer"), "June")) << text(gone, "answer");
}

TEST_F(Ask, SaysWhenNothingAnswers) {
  const ProcessResult result = box_.run({"ask", "Who won the chess olympiad in Batumi?"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "no passage that answers this question")) << result.out;
  const json::value answer = ask("Who won the chess olympiad in Batumi?");
  EXPECT_FALSE(answer.at("answered").as_bool());
  EXPECT_TRUE(list(answer, "citations").empty());
  // Boilerplate is not indexed.
  const json::value nav = ask("careers imprint newsletter");
  EXPECT_FALSE(nav.at("answered").as_bool()) << text(nav, "answer");
}

TEST_F(Ask, AnswersEachLineOfStandardInput) {
  ProcessOptions options = box_.command({"ask", "--json"});
  options.input = std::string(kLeave) + "\n\n   \nHow many kilograms does the pump weigh?\n" + kLeave;
  const ProcessResult result = run_process(options);
  EXPECT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 3U) << result.out;
  EXPECT_TRUE(contains(lines[0], "March"));
  EXPECT_TRUE(contains(lines[1], "forty"));
  EXPECT_TRUE(contains(lines[2], "\"cache\":\"memory\"")) << lines[2];
}

TEST(AskWithoutIndex, SaysHowToIndex) {
  Sandbox box;
  for (const char* command : {"ask", "search", "status", "cache"}) {
    std::vector<std::string> args{command};
    if (args[0] == "ask" || args[0] == "search") args.push_back("anything");
    const ProcessResult result = box.run(args);
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_TRUE(contains(result.err, "run: docmind index PATH")) << result.err;
    EXPECT_EQ(result.out, "");
  }
  EXPECT_FALSE(box.folder.exists("store")) << "asking made a store";
  box.index();  // an empty folder
  const ProcessResult empty = box.run({"ask", "anything"});
  EXPECT_EQ(empty.code, 1);
  EXPECT_TRUE(contains(empty.err, "is empty; run: docmind index PATH")) << empty.err;
}

}  // namespace
}  // namespace docmind::test
