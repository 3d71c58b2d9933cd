// ExtractiveGenerator: which sentences answer, how they are written, how it stops.
// SPDX-License-Identifier: Apache-2.0
#include "providers/extractive.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace docmind::providers {
namespace {

double flat_idf(std::string_view) { return 3.0; }

constexpr std::string_view kIndexes =
    "11.8. Partial Indexes\n\n"
    "A partial index is an index built over a subset of a table. The index contains entries only\n"
    "for those table rows that satisfy the predicate.\n\n"
    "To create a partial index that suits our example, use a command such as this:\n\n"
    "CREATE INDEX access_ix ON access_log (client_ip)\n"
    "WHERE NOT (client_ip > inet '192.168.100.0');\n\n"
    "See also Section 11.7 for partial index syntax.\n";

constexpr std::string_view kMemory =
    "shared_buffers (integer)\n\n"
    "Sets the amount of memory the database server uses for shared memory buffers. The default is "
    "typically 128 megabytes (128MB), but might be less.\n\n"
    "temp_buffers (integer)\n\n"
    "Sets the maximum amount of memory used for temporary buffers. The default is eight megabytes "
    "(8MB).\n";

constexpr std::string_view kBackup =
    "There are some limitations in taking a backup from a standby:\n"
    "- The backup history file is not created.\n"
    "- The tool cannot force the standby to switch. It may wait.\n"
    "- If the standby is promoted, the backup fails.\n"
    "- All records must contain full pages.\n";

class ExtractiveTest : public testing::Test {
 protected:
  Result<GenerateResult> ask(std::string_view question, std::vector<Passage> passages,
                             int max_sentences = 4, int max_tokens = 512) {
    passages_ = std::move(passages);
    request_.question = question;
    request_.passages = passages_;
    request_.max_sentences = max_sentences;
    request_.max_tokens = max_tokens;
    streamed_.clear();
    return generator_.generate(
        request_,
        [this](std::string_view piece) {
          streamed_ += piece;
          return true;
        },
        CancelToken());
  }

  static Passage passage(std::string_view text, std::string_view title = "") {
    return {.text = text, .title = title, .heading = {}, .relevance = 1};
  }

  ExtractiveGenerator generator_{flat_idf};
  std::vector<Passage> passages_;
  GenerateRequest request_;
  std::string streamed_;
};

TEST_F(ExtractiveTest, HowToBringsTheCommand) {
  const auto answer = ask("How do I create a partial index?", {passage(kIndexes)}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->answered);
  EXPECT_EQ(answer->finish_reason, "stop");
  EXPECT_EQ(answer->text,
            "To create a partial index that suits our example, use a command such as this:\n\n"
            "    CREATE INDEX access_ix ON access_log (client_ip)\n"
            "    WHERE NOT (client_ip > inet '192.168.100.0');\n\n[1]");
  EXPECT_EQ(streamed_, answer->text);
  EXPECT_EQ(answer->evidence.size(), 2U);
}

TEST_F(ExtractiveTest, DefinitionsWin) {
  const auto answer = ask("What is a partial index?", {passage(kIndexes)}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "A partial index is an index built over a subset of a table. [1]");
}

TEST_F(ExtractiveTest, TheNameAboveTellsSettingsApart) {
  const auto shared = ask("default value of shared_buffers", {passage(kMemory)}, 1);
  ASSERT_TRUE(shared.ok());
  EXPECT_EQ(shared->text,
            "shared_buffers (integer): The default is typically 128 megabytes (128MB), but might be less. [1]");
  const auto temporary = ask("default value of temp_buffers", {passage(kMemory)}, 1);
  ASSERT_TRUE(temporary.ok());
  EXPECT_EQ(temporary->text, "temp_buffers (integer): The default is eight megabytes (8MB). [1]");
}

TEST_F(ExtractiveTest, AnIntroductionBringsItsFirstItems) {
  const auto answer = ask("limitations of a backup from a standby", {passage(kBackup)}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text,
            "There are some limitations in taking a backup from a standby:\n"
            "- The backup history file is not created.\n"
            "- The tool cannot force the standby to switch.\n"
            "- If the standby is promoted, the backup fails.\n"
            "- All records must contain full pages. [1]");
}

TEST_F(ExtractiveTest, AnIntroductionBringsOnlySoManyItems) {
  std::string text = "The server has these background processes:\n";
  for (int i = 0; i < 30; ++i) text += "- Process number " + std::to_string(i) + " is one.\n";
  const auto answer = ask("Which background processes has the server?", {passage(text)}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_NE(answer->text.find("number 5 "), std::string::npos);
  EXPECT_EQ(answer->text.find("number 6 "), std::string::npos);
}

TEST_F(ExtractiveTest, AnIntroductionBringsBareLines) {
  const auto answer = ask("Which functions return the current date?",
                          {passage("These functions return the current date and time:\n\n"
                                   "CURRENT_DATE\nCURRENT_TIME\n\nThey take no argument.")},
                          1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text,
            "These functions return the current date and time:\nCURRENT_DATE\nCURRENT_TIME [1]");
}

TEST_F(ExtractiveTest, ANameIsNotRepeated) {
  const auto answer = ask("What does wal_level control?",
                          {passage("wal_level (enum)\n\nwal_level determines how much is written to "
                                   "the log. The default value is replica.")});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text,
            "wal_level determines how much is written to the log. The default value is replica. [1]");
}

TEST_F(ExtractiveTest, AQuestionIsNoAnswer) {
  const auto answer =
      ask("Why is my widget slow although the cache is large?",
          {passage("Why is my widget slow although the cache is large?\n\n"
                   "A widget is slow when its disk is cold, even if the cache is large.")});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "A widget is slow when its disk is cold, even if the cache is large. [1]");
}

TEST_F(ExtractiveTest, ADifferenceIsToldByAContrast) {
  const auto answer = ask("What is the difference between the exact index and the graph index?",
                          {passage("The exact index and the graph index are kept in the store. The "
                                   "exact index scans every row, whereas the graph index follows "
                                   "links.")},
                          1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text,
            "The exact index scans every row, whereas the graph index follows links. [1]");
}

TEST_F(ExtractiveTest, WhatACompoundIsDoesNotDefineItsParts) {
  const auto answer = ask("What is the WAL?",
                          {passage("WAL records are appended one after the other.\n\n"
                                   "The WAL is the log to which every change is written first.")},
                          1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "The WAL is the log to which every change is written first. [1]");
}

TEST_F(ExtractiveTest, SaysNothingRatherThanInventing) {
  for (const std::string_view question :
       {"what is the capital of Mongolia", "who won the world cup", "", "?"}) {
    const auto answer = ask(question, {passage(kIndexes), passage(kMemory)});
    ASSERT_TRUE(answer.ok());
    EXPECT_FALSE(answer->answered) << question;
    EXPECT_EQ(answer->finish_reason, "no_answer");
    EXPECT_EQ(answer->text, "");
    EXPECT_TRUE(answer->evidence.empty());
    EXPECT_EQ(streamed_, "");
  }
  EXPECT_FALSE(ask("partial index", {})->answered);
  EXPECT_FALSE(ask("partial index", {passage("")})->answered);
}

TEST_F(ExtractiveTest, GroupsByPassageWithMarksOfTheRequestOrder) {
  const auto answer =
      ask("maximum amount of memory for temporary buffers and the autovacuum delay",
          {passage("Nothing here is of interest."), passage(kMemory),
           passage("The autovacuum delay is the pause between two rounds of autovacuum.")});
  ASSERT_TRUE(answer.ok());
  const size_t second = answer->text.find(" [2]");
  const size_t third = answer->text.find(" [3]");
  EXPECT_NE(second, std::string::npos);
  EXPECT_EQ(answer->text.find("[1]"), std::string::npos);
  for (const Evidence& evidence : answer->evidence) EXPECT_NE(evidence.passage, 0U);
  if (third != std::string::npos) {
    EXPECT_NE(answer->text.find("]\n\n"), std::string::npos);
  }
}

TEST_F(ExtractiveTest, RepeatsAreDropped) {
  const std::string_view same = "A checkpoint is begun every five minutes by the server.";
  const auto answer = ask("when is a checkpoint begun", {passage(same), passage(same)});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, std::string(same) + " [1]");
}

TEST_F(ExtractiveTest, CrossReferencesAndNavigationAreNoAnswers) {
  const auto answer = ask("what about partial index syntax",
                          {passage("See also Section 11.7 for partial index syntax.\n\n"
                                   "The partial index syntax adds a WHERE clause to it.")},
                          1);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "The partial index syntax adds a WHERE clause to it. [1]");
}

TEST_F(ExtractiveTest, ControlCharactersOfDocumentsDoNotPass) {
  const auto answer =
      ask("what does the beacon do",
          {passage("The beacon \x1b[31mlights\x07 the\xc2\x9b tower\u202e at\r night.")});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "The beacon [31mlights the tower at night. [1]");
}

TEST_F(ExtractiveTest, LimitsHold) {
  const auto one = ask("partial index", {passage(kIndexes), passage(kMemory)}, 1);
  EXPECT_EQ(one->evidence.size(), 1U);
  const auto cut = ask("What is a partial index?", {passage(kIndexes)}, 4, 5);
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->finish_reason, "length");
  EXPECT_EQ(cut->text, "A partial index is an [1]");
  EXPECT_EQ(ask("x", {}, 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ask("x", {}, 4, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ExtractiveTest, LongCodeIsCutAtALine) {
  std::string text = "To build the project, run a command such as this:\n\n```\n";
  for (int i = 0; i < 100; ++i) text += "make target_" + std::to_string(i) + "\n";
  text += "```\n";
  const auto answer = ask("how to build the project", {passage(text)}, 1);
  ASSERT_TRUE(answer.ok());
  EXPECT_NE(answer->text.find("    make target_0\n"), std::string::npos);
  EXPECT_NE(answer->text.find("    make target_11\n"), std::string::npos);
  EXPECT_EQ(answer->text.find("make target_12"), std::string::npos);
  EXPECT_EQ(answer->text.find("```"), std::string::npos);
}

TEST_F(ExtractiveTest, StopsWhenToldTo) {
  passages_ = {passage(kIndexes)};
  request_.question = "How do I create a partial index?";
  request_.passages = passages_;
  int n_pieces = 0;
  const auto stopped = generator_.generate(
      request_,
      [&](std::string_view) {
        ++n_pieces;
        return false;
      },
      CancelToken());
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(n_pieces, 1);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(generator_.generate(request_, {}, cancel).error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(generator_.generate(request_, {}, CancelToken()).ok()) << "a sink may be absent";
}

TEST_F(ExtractiveTest, SameAnswerFromManyThreads) {
  passages_ = {passage(kIndexes), passage(kMemory), passage(kBackup)};
  request_.question = "How do I create a partial index?";
  request_.passages = passages_;
  const std::string expected = generator_.generate(request_, {}, CancelToken())->text;
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (std::string& text : texts) {
    threads.emplace_back([&] { text = generator_.generate(request_, {}, CancelToken())->text; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) EXPECT_EQ(text, expected);
}

TEST(Quote, CollapsesAndCleans) {
  EXPECT_EQ(quote_of("  a\n\t b \x1b[0m\x7f c\xc2\x85 \u2066d\u2069 "), "a b [0m c d");
  EXPECT_EQ(quote_of("\u00e9t\u00e9 \u2014 \u4e2d"), "\u00e9t\u00e9 \u2014 \u4e2d");
  EXPECT_EQ(quote_of(""), "");
  EXPECT_EQ(quote_lines_of("if x:\n    y = 1  \n\n\rz\x1b"), "if x:\n    y = 1\n z");
}

}  // namespace
}  // namespace docmind::providers
