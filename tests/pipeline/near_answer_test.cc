// Asker and near questions: when an answer to other words is served, audited, renewed or shared.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "pipeline/asker.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kQuestion = "What does the checkpointer wait for?";
constexpr std::string_view kOtherWords = "What is the checkpointer waiting for?";

class NearAnswerTest : public AskerTest {
 protected:
  void SetUp() override {
    write("guide.md",
          "# Checkpointer\n\nThe checkpointer waits thirty seconds between two rounds.\n"
          "It then writes every dirty page to disk.\n");
    write("vacuum.md", "# Vacuum\n\nThe vacuum process removes dead rows from tables.\n");
    write("backup.md", "# Backup\n\nA backup copies all files of the cluster while it runs.\n");
    index();
    open();
  }
};

TEST_F(NearAnswerTest, OtherWordsGetTheAnswerAndSayWhy) {
  const Answer first = ask(kQuestion);
  EXPECT_GT(first.cache_id, 0);
  const Answer near = ask(kOtherWords);
  ASSERT_EQ(near.cache, CacheState::kMemory);
  EXPECT_EQ(near.text, first.text);
  EXPECT_EQ(streamed, first.text);
  EXPECT_EQ(near.question, kOtherWords);
  ASSERT_TRUE(near.cached);
  EXPECT_EQ(near.cached->question, kQuestion);
  EXPECT_EQ(near.cached->id, first.cache_id);
  EXPECT_GE(near.cached->similarity, 0.9);
  EXPECT_TRUE(near.cached->evidence_checked);
  EXPECT_GT(near.cached->saved_ms, 0);
  EXPECT_EQ(metrics->value(monitor::Counter::kAnswersNear), 1u);
  // A hit costs neither reranking nor generation.
  for (const StageTime& stage : near.stages) {
    EXPECT_NE(stage.stage, "rerank");
    EXPECT_NE(stage.stage, "generate");
  }
}

TEST_F(NearAnswerTest, TheSameOtherWordsAgainNeedNoRetrieval) {
  const Answer first = ask(kQuestion);
  const Answer once = ask(kOtherWords);
  const Answer again = ask(kOtherWords);
  ASSERT_EQ(again.cache, CacheState::kMemory);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.cached->similarity, once.cached->similarity);
  EXPECT_EQ(again.cached->question, kQuestion);
  for (const StageTime& stage : again.stages) EXPECT_NE(stage.stage, "retrieve_lexical");
  EXPECT_EQ(metrics->value(monitor::Counter::kAnswersNear), 2u);
}

TEST_F(NearAnswerTest, OtherWordsAreJudgedAnewAfterAChangeAndAfterABadJudgement) {
  const auto retrieved = [](const Answer& answer) {
    return std::any_of(answer.stages.begin(), answer.stages.end(),
                       [](const StageTime& stage) { return stage.stage == "retrieve_lexical"; });
  };
  ask(kQuestion);
  EXPECT_TRUE(retrieved(ask(kOtherWords)));
  EXPECT_FALSE(retrieved(ask(kOtherWords)));
  write("other.md", "# Cooking\n\nSoup is best with fresh herbs.\n");
  index();
  EXPECT_TRUE(retrieved(ask(kOtherWords)));
  must(cache->clear());
  const Answer first = ask(kQuestion);
  ask(kOtherWords);
  must(cache->feedback("local", first.cache_id, false));
  const Answer after = ask(kOtherWords);
  EXPECT_TRUE(retrieved(after));
  EXPECT_EQ(after.cache, CacheState::kMiss);
}

TEST_F(NearAnswerTest, ADifferentQuestionIsNotAnsweredFromTheCache) {
  ask(kQuestion);
  EXPECT_EQ(ask("What does the checkpointer not wait for?").cache, CacheState::kMiss);
  EXPECT_EQ(ask("What does the vacuum process remove?").cache, CacheState::kMiss);
}

TEST_F(NearAnswerTest, AChangedDocumentKillsTheAnswerForOtherWordsToo) {
  ask(kQuestion);
  write("guide.md", "# Checkpointer\n\nThe checkpointer waits ninety seconds between two rounds.\n");
  index();
  const Answer answer = ask(kOtherWords);
  EXPECT_EQ(answer.cache, CacheState::kMiss);
  EXPECT_NE(answer.text.find("ninety"), std::string::npos) << answer.text;
}

TEST_F(NearAnswerTest, OtherTenantsAndSessionsShareNothing) {
  ask(kQuestion);
  AskOptions other;
  other.tenant = "somebody else";
  EXPECT_EQ(ask(kOtherWords, other).cache, CacheState::kMiss);
  AskOptions session;
  session.session = "turn 2";
  EXPECT_EQ(ask(kOtherWords, session).cache, CacheState::kMiss);
  EXPECT_EQ(ask(kOtherWords).cache, CacheState::kMemory);
}

TEST_F(NearAnswerTest, RefreshAnswersAnewAndReplaces) {
  ask(kQuestion);
  AskOptions refresh;
  refresh.refresh = true;
  EXPECT_EQ(ask(kQuestion, refresh).cache, CacheState::kMiss);
  EXPECT_EQ(ask(kQuestion).cache, CacheState::kMemory);
  EXPECT_EQ(must(cache->directory()->counts()).n_records, 1);
}

TEST_F(NearAnswerTest, AnAuditAnswersAfreshAndLearns) {
  ask(kQuestion);
  AskOptions audit;
  audit.audit_share = 1;
  const Answer answer = ask(kOtherWords, audit);
  EXPECT_EQ(answer.cache, CacheState::kMiss);
  EXPECT_EQ(cache->stats().observed, 1u);
  EXPECT_EQ(cache->stats().observed_wrong, 0u);
  EXPECT_EQ(must(cache->directory()->observations()).size(), 1u);
}

TEST_F(NearAnswerTest, AStaleAnswerIsServedOnlyWhereThatIsAllowedAndIsMarked) {
  ask(kQuestion);
  write("guide.md", "# Checkpointer\n\nThe checkpointer waits ninety seconds between two rounds.\n");
  index();
  // The file on disk is what is indexed, but not what the answer was made from.
  AskOptions allowed;
  allowed.stale_ms = 60'000;
  const Answer old = ask(kQuestion, allowed);
  EXPECT_TRUE(old.stale);
  EXPECT_NE(old.text.find("thirty"), std::string::npos) << old.text;
  allowed.refresh = true;
  EXPECT_FALSE(ask(kQuestion, allowed).stale);
  const Answer renewed = ask(kQuestion);
  EXPECT_EQ(renewed.cache, CacheState::kMemory);
  EXPECT_NE(renewed.text.find("ninety"), std::string::npos) << renewed.text;
}

TEST_F(NearAnswerTest, ABadJudgementMakesTheNextAnswerFresh) {
  const Answer first = ask(kQuestion);
  ASSERT_EQ(ask(kOtherWords).cache, CacheState::kMemory);
  must(cache->feedback("local", first.cache_id, false));
  EXPECT_EQ(ask(kOtherWords).cache, CacheState::kMiss);
}

// Says one text, slowly enough that others ask meanwhile; counts its calls.
class SlowGenerator final : public providers::Generator {
 public:
  providers::ProviderInfo info() const override { return {.name = "slow", .identity = "slow/1"}; }
  bool quotes_documents() const override { return false; }
  Result<providers::GenerateResult> generate(const providers::GenerateRequest&,
                                             const providers::TextSink& sink,
                                             const CancelToken&) const override {
    ++n_calls;
    providers::GenerateResult result;
    for (const char* piece : {"It waits ", "thirty seconds ", "[1]."}) {
      while (!may_speak) std::this_thread::yield();
      result.text += piece;
      if (!sink(piece)) return Error{ErrorCode::kCancelled, "stopped"};
    }
    return result;
  }
  mutable std::atomic<int> n_calls{0};
  std::atomic<bool> may_speak{false};
};

TEST_F(NearAnswerTest, InFlightOnlyQuestionsThatFoundTheSameMayShare) {
  const auto share = may_share(cache.get());
  const auto request = [](std::string_view question, std::vector<int64_t> evidence) {
    return cache::FlightRequest{.key = {},
                                .scope = {},
                                .question = std::string(question),
                                .vector = {},
                                .evidence = std::move(evidence)};
  };
  const cache::FlightRequest running = request(kQuestion, {1, 2, 3});
  EXPECT_TRUE(share(request(kOtherWords, {1, 2, 4}), running, 0.95));
  EXPECT_FALSE(share(request(kOtherWords, {4, 5, 6}), running, 0.95));
  EXPECT_FALSE(share(request(kOtherWords, {1, 2, 3}), running, 0.85));
  EXPECT_FALSE(share(request("Does the checkpointer not wait?", {1, 2, 3}), running, 0.95));
  EXPECT_FALSE(may_share(nullptr)(running, running, 1));
}

TEST_F(NearAnswerTest, QuestionsInFlightShareOneAnswer) {
  SlowGenerator slow;
  cache::AnswerFlights flights(may_share(cache.get()));
  const SharedByAskers shared{.cache = cache.get(), .flights = &flights};
  std::vector<Answer> answers(3);
  std::vector<std::string> streams(3);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      Corpus own = must(Corpus::open(store_folder(), {}));
      Asker asking(own, slow, shared, *metrics);
      answers[i] = must(asking.ask(i == 2 ? kOtherWords : kQuestion, {},
                                   [&, i](std::string_view piece) {
                                     streams[i] += piece;
                                     return true;
                                   },
                                   {}));
    });
  }
  while (flights.n_waiting() < 2) std::this_thread::yield();
  slow.may_speak = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slow.n_calls, 1);
  int n_shared = 0;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(answers[i].text, "It waits thirty seconds [1].");
    EXPECT_EQ(streams[i], answers[i].text);
    EXPECT_EQ(answers[i].citations.size(), 1u);
    if (answers[i].cache == CacheState::kShared) ++n_shared;
  }
  EXPECT_EQ(n_shared, 2);
}

}  // namespace
}  // namespace docmind::pipeline
