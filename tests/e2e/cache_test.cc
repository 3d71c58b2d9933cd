// docmind cache and ask: near questions, reasons, feedback, invalidation, warming, learning.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/docmind.h"
#include "support/sample_docs.h"

namespace docmind::test {
namespace {

constexpr const char* kLeave = "When do unused leave days expire?";
constexpr const char* kLeaveOtherWords = "When does an unused leave day expire?";

class AnswerCacheCommands : public testing::Test {
 protected:
  void SetUp() override {
    box_.env["DOCMIND_CACHE_AUDIT_SHARE"] = "0";  // no hit is answered afresh by chance
    write_sample_docs(box_);
    box_.index();
  }
  json::value ask(const std::string& question, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"ask", "--json", question});
    return box_.json_of(std::move(flags));
  }
  Sandbox box_;
};

TEST_F(AnswerCacheCommands, OtherWordsAreServedAcrossProcessesWithReasons) {
  const json::value first = ask(kLeave);
  EXPECT_GT(number(first, "cache_id"), 0);
  const json::value near = ask(kLeaveOtherWords);
  ASSERT_EQ(text(near, "cache"), "disk") << json::serialize(near);
  EXPECT_EQ(text(near, "answer"), text(first, "answer"));
  EXPECT_EQ(text(near.at("cached"), "question"), kLeave);
  EXPECT_EQ(number(near.at("cached"), "id"), number(first, "cache_id"));
  EXPECT_GE(near.at("cached").at("similarity").to_number<double>(), 0.9);
  const ProcessResult explained = box_.run({"ask", "--explain", kLeaveOtherWords});
  for (const char* words : {"similarity", "asked as", "evidence", "saved", "docmind cache feedback"}) {
    EXPECT_TRUE(contains(explained.out, words)) << explained.out;
  }
  EXPECT_EQ(text(ask(kLeaveOtherWords, {"--no-cache"}), "cache"), "off");
  EXPECT_EQ(text(ask(kLeaveOtherWords, {"--tenant", "other"}), "cache"), "miss");
  EXPECT_EQ(text(ask(kLeave, {"--refresh"}), "cache"), "miss");
}

TEST_F(AnswerCacheCommands, FeedbackForgetsAndIsOfOneTenant) {
  const std::string id = std::to_string(number(ask(kLeave), "cache_id"));
  EXPECT_EQ(text(ask(kLeaveOtherWords), "cache"), "disk");
  const ProcessResult stranger = box_.run({"cache", "--tenant", "other", "feedback", id, "bad"});
  EXPECT_NE(stranger.code, 0);
  EXPECT_TRUE(contains(stranger.err, "no cached answer " + id)) << stranger.err;
  const ProcessResult bad = box_.run({"cache", "feedback", id, "bad"});
  EXPECT_EQ(bad.code, 0) << bad.err;
  EXPECT_EQ(text(ask(kLeave), "cache"), "miss");
  const json::value stats = box_.json_of({"cache", "--json"});
  EXPECT_EQ(number(stats.at("learned"), "observations"), 1);
  EXPECT_EQ(number(stats.at("learned"), "wrong"), 1);
  EXPECT_NE(box_.run({"cache", "feedback", id, "perhaps"}).code, 0);
}

TEST_F(AnswerCacheCommands, ListsShowsAndInvalidates) {
  ask(kLeave);
  ask("How often must the pump be greased?");
  const json::value listed = box_.json_of({"cache", "--json", "list"});
  ASSERT_EQ(listed.as_array().size(), 2U);
  const std::string id = std::to_string(number(listed.as_array()[1], "id"));
  const json::value shown = box_.json_of({"cache", "show", id});
  EXPECT_EQ(text(shown, "question"), kLeave);
  EXPECT_TRUE(contains(text(shown.at("answer"), "answer"), "March"));
  EXPECT_TRUE(contains(box_.run({"cache", "list"}).out, kLeave));
  EXPECT_NE(box_.run({"cache", "invalidate"}).code, 0);
  EXPECT_NE(box_.run({"cache", "invalidate", "--older-than", "-5"}).code, 0);
  EXPECT_EQ(box_.json_of({"cache", "--json", "list"}).as_array().size(), 2U);
  const ProcessResult gone = box_.run({"cache", "invalidate", "--document", box_.docs() + "/leave.md"});
  EXPECT_EQ(gone.code, 0) << gone.err;
  EXPECT_EQ(text(ask(kLeave), "cache"), "miss");
  EXPECT_TRUE(contains(box_.run({"cache", "invalidate", "--folder", box_.docs()}).out, "answers removed"));
  EXPECT_EQ(text(ask(kLeave), "cache"), "miss");
}

TEST_F(AnswerCacheCommands, AnIndexRunRemovesTheAnswersOfChangedFiles) {
  ask(kLeave);
  ask("How often must the pump be greased?", {"--top-k", "1"});
  box_.doc("leave.md", "# Leave policy\n\nUnused leave days expire on the last day of June.\n");
  box_.index();
  EXPECT_EQ(box_.json_of({"cache", "--json", "list"}).as_array().size(), 1U);
  EXPECT_TRUE(contains(text(ask(kLeave), "answer"), "June"));
}

TEST_F(AnswerCacheCommands, AnOutdatedAnswerIsServedOnceWhereThatIsAllowedAndRenewed) {
  ask(kLeave);
  box_.doc("leave.md", "# Leave policy\n\nUnused leave days expire on the last day of June.\n");
  box_.env["DOCMIND_CACHE_STALE_S"] = "3600";
  box_.index();
  const ProcessResult old = box_.run({"ask", kLeave});
  EXPECT_TRUE(contains(old.out, "March")) << old.out;
  EXPECT_TRUE(contains(old.out, "out of date")) << old.out;
  const json::value renewed = ask(kLeave);
  EXPECT_EQ(text(renewed, "cache"), "disk");
  EXPECT_FALSE(renewed.at("stale").as_bool());
  EXPECT_TRUE(contains(text(renewed, "answer"), "June")) << text(renewed, "answer");
}

TEST_F(AnswerCacheCommands, WarmsFromAFileOfQuestionsSeveralAtATime) {
  box_.folder.write("questions.txt", std::string(kLeave) +
                                         "\n\nHow often must the pump be greased?\n"
                                         "How long is the notice period of the lease?\n");
  const json::value warmed =
      box_.json_of({"cache", "--json", "warm", "--jobs", "2", box_.folder.path("questions.txt")});
  EXPECT_EQ(number(warmed, "answered"), 3);
  EXPECT_EQ(number(warmed, "failed"), 0);
  EXPECT_EQ(text(ask("How often must the pump be greased?"), "cache"), "disk");
  const json::value again =
      box_.json_of({"cache", "--json", "warm", box_.folder.path("questions.txt")});
  EXPECT_EQ(number(again, "cached"), 3);
  EXPECT_NE(box_.run({"cache", "warm", box_.folder.path("missing.txt")}).code, 0);
}

TEST_F(AnswerCacheCommands, LearnsFromLabelledPairsAndPrintsTheCurve) {
  std::string pairs;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    pairs += R"({"question": "When do unused leave days of group )" + n +
             R"( expire?", "other": "When does an unused leave day of group )" + n +
             R"( expire?", "same": 1})" "\n";
    pairs += R"({"question": "How often must pump )" + n + R"( be greased?", "other": "How often must pump )" +
             std::to_string(i + 100) + R"( be greased?", "same": 0})" "\n";
  }
  box_.folder.write("pairs.jsonl", pairs);
  const std::string path = box_.folder.path("pairs.jsonl");
  const json::value dry = box_.json_of({"cache", "--json", "calibrate", "--dry-run", "--max-wrong", "0.1", path});
  EXPECT_FALSE(list(dry, "curve").empty());
  EXPECT_GT(number(dry, "observations"), 0);
  EXPECT_EQ(number(box_.json_of({"cache", "--json"}).at("learned"), "observations"), 0);
  const ProcessResult learned = box_.run({"cache", "calibrate", "--max-wrong", "0.1", path});
  EXPECT_EQ(learned.code, 0) << learned.err;
  EXPECT_TRUE(contains(learned.out, "hit rate")) << learned.out;
  EXPECT_GT(number(box_.json_of({"cache", "--json"}).at("learned"), "observations"), 0);
  box_.folder.write("bad.jsonl", "{\"question\": \"a\", \"other\": 3, \"same\": 1}\n");
  const ProcessResult bad = box_.run({"cache", "calibrate", box_.folder.path("bad.jsonl")});
  EXPECT_NE(bad.code, 0);
  EXPECT_TRUE(contains(bad.err, "line 1")) << bad.err;
}

}  // namespace
}  // namespace docmind::test
