// Asker: cited answers, honest refusals, and when a cached answer may and may not be served.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/asker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/pipeline_test_support.h"
#include "providers/quote.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kQuestion = "What does the checkpointer wait for?";
constexpr std::string_view kGuide =
    "# Checkpointer\n"
    "\n"
    "This section is about writing pages.\n"
    "\n"
    "The checkpointer waits thirty seconds between two rounds.\n"
    "It then writes every dirty page to disk.\n"
    "\n"
    "## Backups\n"
    "\n"
    "A backup copies all files of the cluster while it runs.\n";

class AnswerTest : public AskerTest {
 protected:
  void SetUp() override {
    write("guide.md", kGuide);
    write("vacuum.md", "# Vacuum\n\nThe vacuum process removes dead rows from tables.\n");
    index();
    open();
  }
  // Lines [start, end] of a file, white space collapsed as in a quote.
  std::string lines_of(const std::string& path, uint32_t start, uint32_t end) const {
    const std::string text = must(read_file(path, 1 << 20));
    std::string lines;
    size_t at = 0;
    for (uint32_t line = 1; line <= end && at < text.size(); ++line) {
      const size_t stop = std::min(text.find('\n', at), text.size());
      if (line >= start) lines += text.substr(at, stop - at) + "\n";
      at = stop + 1;
    }
    return providers::quote_of(lines);
  }
  void expect_cited(const Answer& answer) const {
    docmind::test::require(answer.answered && !answer.citations.empty(), answer.text);
    for (size_t i = 0; i < answer.citations.size(); ++i) {
      const Citation& citation = answer.citations[i];
      EXPECT_EQ(citation.number, static_cast<int>(i + 1));
      EXPECT_NE(answer.text.find("[" + std::to_string(citation.number) + "]"), std::string::npos);
      docmind::test::require(!citation.quotes.empty(), "a citation without a quote");
      const std::string source = lines_of(citation.path, citation.start_line, citation.end_line);
      for (const std::string& quote : citation.quotes) {
        EXPECT_NE(source.find(quote), std::string::npos) << quote << "\nnot in: " << source;
        EXPECT_NE(providers::quote_of(answer.text).find(quote), std::string::npos) << answer.text;
      }
    }
  }
};

TEST_F(AnswerTest, QuotesTheDocumentAndSaysWhere) {
  const Answer answer = ask(kQuestion);
  expect_cited(answer);
  EXPECT_NE(answer.text.find("waits thirty seconds"), std::string::npos) << answer.text;
  EXPECT_EQ(answer.text, streamed);
  EXPECT_EQ(answer.question, kQuestion);
  EXPECT_EQ(answer.cache, CacheState::kMiss);
  EXPECT_EQ(answer.citations[0].path, doc("guide.md"));
  EXPECT_LE(answer.citations[0].start_line, 5u);
  EXPECT_GE(answer.citations[0].end_line, 5u);
  EXPECT_FALSE(answer.citations[0].changed_on_disk);
  EXPECT_FALSE(answer.passages.empty());
  EXPECT_FALSE(answer.stages.empty());
}

TEST_F(AnswerTest, CitesTheRightLinesFarIntoAFile) {
  std::string text;
  for (int i = 1; i <= 200; ++i) text += "Filler line about nothing, number " + std::to_string(i) + ".\n";
  text += "The turbine spins at nine thousand revolutions.\n";
  for (int i = 1; i <= 50; ++i) text += "More filler afterwards, number " + std::to_string(i) + ".\n";
  write("long.txt", text);
  index();
  const Answer answer = ask("What does the turbine spin at?");
  expect_cited(answer);
  EXPECT_EQ(answer.citations[0].path, doc("long.txt"));
  EXPECT_LE(answer.citations[0].start_line, 201u);
  EXPECT_GE(answer.citations[0].end_line, 201u);
}

TEST_F(AnswerTest, SaysSoWhenTheDocumentsDoNotAnswer) {
  const Answer answer = ask("What is the airspeed of an unladen swallow?");
  EXPECT_FALSE(answer.answered);
  EXPECT_TRUE(answer.citations.empty());
  EXPECT_NE(answer.text.find("no passage"), std::string::npos) << answer.text;
  EXPECT_EQ(streamed, answer.text);
  const Answer again = ask("What is the airspeed of an unladen swallow?");
  EXPECT_FALSE(again.answered);
  EXPECT_EQ(again.text, answer.text);
}

// "[2]" in a document is a footnote: it cites nothing here, and it stays in the quote.
TEST_F(AnswerTest, MarksInTheDocumentsOwnWordsAreNoCitations) {
  write("notes.md", "# Reactor\n\nThe reactor was built in 1954 [2] by the institute [17].\n");
  write("more.md", "# Institute\n\nThe institute that built the reactor has ninety members.\n");
  index();
  const Answer answer = ask("When was the reactor built?");
  expect_cited(answer);
  EXPECT_NE(answer.text.find("in 1954 [2] by the institute [17]."), std::string::npos) << answer.text;
  EXPECT_EQ(answer.citations[0].path, doc("notes.md"));
  EXPECT_EQ(answer.text, streamed);
}

TEST_F(AnswerTest, ARepeatComesFromTheCacheUnchanged) {
  const Answer first = ask(kQuestion);
  const Answer second = ask("  what does the checkpointer  wait for ");
  EXPECT_EQ(second.cache, CacheState::kMemory);
  EXPECT_FALSE(second.revalidated);
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(streamed, first.text);
  ASSERT_EQ(second.citations.size(), first.citations.size());
  EXPECT_EQ(second.citations[0].quotes, first.citations[0].quotes);
  EXPECT_EQ(second.citations[0].start_line, first.citations[0].start_line);
  cache.reset();
  open();
  EXPECT_EQ(ask(kQuestion).cache, CacheState::kDisk);
}

TEST_F(AnswerTest, OtherTenantsAndSettingsMiss) {
  ask(kQuestion);
  const auto misses = [&](auto&& change) {
    AskOptions options;
    change(options);
    return ask(kQuestion, options).cache == CacheState::kMiss;
  };
  EXPECT_FALSE(misses([](AskOptions&) {}));
  EXPECT_TRUE(misses([](AskOptions& o) { o.tenant = "somebody else"; }));
  EXPECT_TRUE(misses([](AskOptions& o) { o.retrieve.top_k += 1; }));
  EXPECT_TRUE(misses([](AskOptions& o) { o.retrieve.lexical_depth += 1; }));
  EXPECT_TRUE(misses([](AskOptions& o) { o.retrieve.vector_depth += 1; }));
  EXPECT_TRUE(misses([](AskOptions& o) { o.retrieve.rerank_depth += 1; }));
  EXPECT_TRUE(misses([](AskOptions& o) { o.min_relevance += 0.01; }));
  EXPECT_TRUE(misses([](AskOptions& o) { o.max_sentences += 1; }));
}

TEST_F(AnswerTest, WithoutTheCacheNothingIsReadFromItOrKept) {
  AskOptions off;
  off.use_cache = false;
  EXPECT_EQ(ask(kQuestion, off).cache, CacheState::kOff);
  EXPECT_EQ(ask(kQuestion).cache, CacheState::kMiss);
  EXPECT_EQ(ask(kQuestion, off).cache, CacheState::kOff);
  Asker without(*corpus, *generator, SharedByAskers{}, *metrics);
  const auto sink = [](std::string_view) { return true; };
  EXPECT_EQ(must(without.ask(kQuestion, {}, sink, {})).cache, CacheState::kOff);
}

TEST_F(AnswerTest, AnUnrelatedChangeKeepsTheAnswer) {
  AskOptions options;
  options.retrieve.top_k = 1;
  const Answer first = ask(kQuestion, options);
  write("other.md", "# Cooking\n\nSoup is best with fresh herbs.\n");
  index();
  const Answer second = ask(kQuestion, options);
  EXPECT_EQ(second.cache, CacheState::kMemory);
  EXPECT_TRUE(second.revalidated);
  EXPECT_EQ(second.text, first.text);
  const Answer third = ask(kQuestion, options);  // fresh for the new generation from now on
  EXPECT_EQ(third.cache, CacheState::kMemory);
  EXPECT_FALSE(third.revalidated);
}

TEST_F(AnswerTest, AChangedFileNeverGivesTheOldAnswer) {
  ask(kQuestion);
  std::string changed(kGuide);
  changed.replace(changed.find("thirty"), 6, "ninety");
  write("guide.md", changed);
  index();
  const Answer answer = ask(kQuestion);
  EXPECT_EQ(answer.cache, CacheState::kMiss);
  EXPECT_EQ(answer.text.find("thirty"), std::string::npos) << answer.text;
  EXPECT_NE(answer.text.find("ninety"), std::string::npos) << answer.text;
  expect_cited(answer);
}

TEST_F(AnswerTest, ABetterDocumentReplacesTheOldAnswer) {
  EXPECT_FALSE(ask("Which herbs go into the soup?").answered);
  write("other.md", "# Soup\n\nThe herbs that go into the soup are parsley and dill.\n");
  index();
  const Answer answer = ask("Which herbs go into the soup?");
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(answer.cache, CacheState::kMiss);
}

TEST_F(AnswerTest, ADeletedFileNeverGivesItsAnswer) {
  ask(kQuestion);
  remove("guide.md");
  index();
  const Answer answer = ask(kQuestion);
  EXPECT_FALSE(answer.answered) << answer.text;
  EXPECT_EQ(answer.cache, CacheState::kMiss);
  for (const Citation& citation : answer.citations) EXPECT_NE(citation.path, doc("guide.md"));
}

TEST_F(AnswerTest, AFileThatChangedWithoutANewIndexIsMarkedAndNotServedFromTheCache) {
  ask(kQuestion);
  write("guide.md", "Everything is different now.\n");
  for (int round = 0; round < 2; ++round) {
    const Answer answer = ask(kQuestion);
    EXPECT_EQ(answer.cache, CacheState::kMiss);
    ASSERT_FALSE(answer.citations.empty());
    EXPECT_TRUE(answer.citations[0].changed_on_disk);
  }
  remove("guide.md");
  const Answer gone = ask(kQuestion);
  EXPECT_EQ(gone.cache, CacheState::kMiss);
  ASSERT_FALSE(gone.citations.empty());
  EXPECT_TRUE(gone.citations[0].changed_on_disk);
}

TEST_F(AnswerTest, AnEmptyIndexIsNotFoundAndSaysWhatToDo) {
  ask(kQuestion);
  remove("guide.md");
  remove("vacuum.md");
  index();
  const auto nothing = try_ask(kQuestion);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(nothing.error().message.find("docmind index"), std::string::npos);
  EXPECT_EQ(streamed, "");
}

TEST_F(AnswerTest, ASinkThatSaysNoStopsFreshAndCachedAnswers) {
  const auto no = [](std::string_view) { return false; };
  const auto stopped = [&](std::string_view question) {
    const auto answer = asker->ask(question, {}, no, {});
    return !answer.ok() && answer.error().code == ErrorCode::kCancelled;
  };
  EXPECT_TRUE(stopped(kQuestion));
  EXPECT_EQ(ask(kQuestion).cache, CacheState::kMiss);  // what was stopped was not kept
  EXPECT_TRUE(stopped(kQuestion));
  EXPECT_EQ(ask(kQuestion).cache, CacheState::kMemory);
  EXPECT_TRUE(stopped("What is the airspeed of an unladen swallow?"));
}

TEST_F(AnswerTest, ARaisedTokenStopsTheAnswer) {
  const CancelToken cancel;
  cancel.cancel();
  const auto answer = asker->ask(kQuestion, {}, [](std::string_view) { return true; }, cancel);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
}

TEST_F(AnswerTest, ADamagedCacheCostsOnlyTime) {
  const Answer first = ask(kQuestion);
  cache.reset();
  for (const char* beside : {"", "-wal", "-shm"}) {
    folder.remove(index::cache_path("store") + beside);
  }
  folder.write(index::cache_path("store"), std::string(9'000, 'j'));
  open();
  const Answer again = ask(kQuestion);
  EXPECT_EQ(again.cache, CacheState::kMiss);
  EXPECT_EQ(again.text, first.text);
}

}  // namespace
}  // namespace docmind::pipeline
