// Asker: answers of a generator whose settings change for a time are kept as what they are.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "pipeline/asker.h"
#include "pipeline/pipeline_test_support.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kQuestion = "What does the checkpointer wait for?";
constexpr std::string_view kOther = "What does the vacuum process remove?";

// Says how it is set.
class ChangingGenerator final : public providers::Generator {
 public:
  providers::ProviderInfo info() const override { return {.name = "changing", .identity = "changing/exact"}; }
  std::string identity_now() const override { return "changing/" + now; }
  bool quotes_documents() const override { return false; }
  Result<providers::GenerateResult> generate(const providers::GenerateRequest&, const providers::TextSink& sink,
                                             const CancelToken&) const override {
    ++n_calls;
    providers::GenerateResult result;
    result.text = "Made " + now + " [1].";
    if (now != "exact") result.identity = identity_now();
    if (!sink(result.text)) return Error{ErrorCode::kCancelled, "stopped"};
    return result;
  }
  std::string now = "exact";
  mutable int n_calls = 0;
};

class ChangedSettings : public AskerTest {
 protected:
  void SetUp() override {
    write("guide.md", "# Checkpointer\n\nThe checkpointer waits thirty seconds between two rounds.\n");
    write("vacuum.md", "# Vacuum\n\nThe vacuum process removes dead rows from tables.\n");
    index();
    open();
    asker = std::make_unique<Asker>(*corpus, changing, SharedByAskers{.cache = cache.get()}, *metrics);
  }
  ChangingGenerator changing;
};

TEST_F(ChangedSettings, AnAnswerOfOtherSettingsIsNotTakenForOneOfTheConfigured) {
  changing.now = "small";
  EXPECT_EQ(ask(kQuestion).text, "Made small [1].");
  changing.now = "exact";
  const Answer again = ask(kQuestion);
  EXPECT_EQ(again.cache, CacheState::kMiss);
  EXPECT_EQ(again.text, "Made exact [1].");
  EXPECT_EQ(changing.n_calls, 2);
  EXPECT_EQ(ask(kQuestion).cache, CacheState::kMemory);
}

TEST_F(ChangedSettings, WhileTheyLastItsRepeatsAreServed) {
  changing.now = "small";
  const Answer first = ask(kQuestion);
  EXPECT_EQ(first.cache, CacheState::kMiss);
  EXPECT_GT(first.cache_id, 0);
  const Answer again = ask(kQuestion);
  EXPECT_EQ(again.cache, CacheState::kMemory);
  EXPECT_EQ(again.text, first.text);
  changing.now = "smaller";
  EXPECT_EQ(ask(kQuestion).text, "Made smaller [1].");
  EXPECT_EQ(changing.n_calls, 2);
}

TEST_F(ChangedSettings, AnswersOfTheConfiguredSettingsServeAllTheTime) {
  const Answer first = ask(kOther);
  changing.now = "small";
  const Answer again = ask(kOther);
  EXPECT_EQ(again.cache, CacheState::kMemory);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(changing.n_calls, 1);
}

}  // namespace
}  // namespace docmind::pipeline
