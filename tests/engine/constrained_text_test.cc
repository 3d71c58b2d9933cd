// Constrained texts, several texts of a prompt and streamed scores, with a model that was trained.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/engine_test_support.h"
#include "engine/grammar.h"
#include "engine/text_model.h"
#include "support/schema_samples.h"

namespace docmind::engine {
namespace {

constexpr size_t kMaxDepth = 100;

class ConstrainedStories : public testing::Test {
 protected:
  void SetUp() override {
    if (stories_path().empty()) GTEST_SKIP() << "stories260K.gguf is not in ../shared/data/models";
    load({.n_context = 384});
  }
  void load(EngineOptions options) {
    options.n_threads = 2;
    model = must(TextModel::load(stories_path(), options));
  }
  TextRequest request(std::string_view prompt, GenerateOptions options) const {
    return {.prompt = model->tokenizer().encode(prompt, {.add_special = true, .parse_special = false}),
            .options = std::move(options)};
  }
  GenerateOptions sampled(uint64_t seed, int64_t max_tokens = 250) const {
    GenerateOptions options{.sampling = {}, .max_tokens = max_tokens};
    options.sampling.temperature = 1.5;
    options.sampling.seed = seed;
    return options;
  }
  std::unique_ptr<TextModel> model;
};

const json::value kSchema = json::parse(R"({"type":"object","properties":{"name":{"type":"string","maxLength":12},
  "age":{"type":"integer","minimum":0,"maximum":120},"tags":{"type":"array","items":{"enum":["big","small"]},"maxItems":3},
  "note":{"anyOf":[{"type":"null"},{"type":"string","maxLength":5}]}},"required":["name","age","tags"]})");

TEST_F(ConstrainedStories, TextsAreValidForTheirSchema) {
  GenerateOptions options = sampled(0);
  options.grammar = must(Grammar::from_json_schema(kSchema));
  const auto streams = must(model->submit_many(request("Once upon a time", options), 24));
  int n_whole = 0;
  for (const auto& stream : streams) {
    const Generation made = must(stream->finish());
    if (made.finish == FinishReason::kLength) continue;
    ASSERT_EQ(made.finish, FinishReason::kStop);
    const auto value = parse_json(made.text, kMaxDepth, made.text.size());
    ASSERT_TRUE(value.ok()) << made.text;
    EXPECT_TRUE(test::is_valid(*value, kSchema, kSchema)) << made.text;
    ++n_whole;
  }
  EXPECT_GT(n_whole, 20);
}

TEST_F(ConstrainedStories, AnyObjectParsesUnlessItIsCutOff) {
  GenerateOptions options = sampled(100, 60);
  options.grammar = must(Grammar::json_object());
  for (const auto& stream : must(model->submit_many(request("Lily said", options), 12))) {
    const Generation made = must(stream->finish());
    EXPECT_EQ(parse_json(made.text, kMaxDepth, 1 << 16).ok(), made.finish == FinishReason::kStop) << made.text;
    EXPECT_TRUE(trim(made.text).starts_with('{')) << made.text;
  }
}

TEST_F(ConstrainedStories, TheSameSeedGivesTheSameTextAfterMakingRoom) {
  GenerateOptions options = sampled(7, 80);
  options.grammar = must(Grammar::from_json_schema(kSchema));
  std::vector<std::string> alone;
  for (uint64_t i = 0; i < 6; ++i) {
    options.sampling.seed = 7 + i;
    const auto stream = must(model->submit(request("Once upon a time", options)));
    alone.push_back(must(stream->finish()).text);
  }
  // Three blocks of 16 tokens a text at least: six texts cannot all stay.
  const size_t block = 16 * model->stats().kv.budget_bytes / (384 + 96);
  load({.n_context = 384, .kv_budget_bytes = 12 * block, .scheduler = {.max_sequences = 6}});
  options.sampling.seed = 7;
  const auto streams = must(model->submit_many(request("Once upon a time", options), 6));
  for (size_t i = 0; i < streams.size(); ++i) EXPECT_EQ(must(streams[i]->finish()).text, alone[i]) << i;
  EXPECT_GT(model->stats().n_preempted, 0);
}

TEST_F(ConstrainedStories, AStopStringEndsItSooner) {
  GenerateOptions options = sampled(3);
  options.grammar = must(Grammar::from_json_schema(kSchema));
  options.stop = {"\"age\""};
  const auto stream = must(model->submit(request("Once upon a time", options)));
  const Generation made = must(stream->finish());
  EXPECT_EQ(made.finish, FinishReason::kStop);
  EXPECT_NE(made.text.find("\"name\""), std::string::npos);
  EXPECT_EQ(made.text.find("\"age\""), std::string::npos);
}

TEST_F(ConstrainedStories, EndMarksDoNotEndWhatIsNotWhole) {
  GenerateOptions options{.sampling = {}, .max_tokens = 100};
  options.sampling.biases = {{*model->tokenizer().vocabulary().eos, 1'000}};
  options.grammar = must(Grammar::from_json_schema({{"type", "integer"}, {"minimum", 10}}));
  const Generation made = must(must(model->submit(request("Lily was", options)))->finish());
  EXPECT_EQ(trim(made.text).size(), 2u) << made.text;  // whole with its second digit
  EXPECT_EQ(made.finish, FinishReason::kStop);
}

TEST_F(ConstrainedStories, LogProbabilitiesAreTheModelsOwn) {
  GenerateOptions options{.sampling = {}, .max_tokens = 1};
  options.sampling.n_top_logprobs = 3;
  const Generation freely = must(must(model->submit(request("Once upon a time", options)))->finish());
  options.grammar = must(Grammar::json_object());
  const Generation held = must(must(model->submit(request("Once upon a time", options)))->finish());
  ASSERT_EQ(held.scored.size(), 1u);
  EXPECT_NE(held.scored[0].chosen.token, freely.scored[0].chosen.token);
  EXPECT_LT(held.scored[0].chosen.logprob, held.scored[0].top[2].logprob);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(held.scored[0].top[i].token, freely.scored[0].top[i].token);
}

// --- n texts ---

TEST_F(ConstrainedStories, ManyTextsReadTheirPromptOnce) {
  std::string prompt = "Once upon a time, there was a little girl named Lily.";
  for (int i = 0; i < 3; ++i) prompt += " She loved to play outside in the park with her friends.";
  TextRequest wanted = request(prompt, sampled(1, 20));
  const auto n_prompt = static_cast<int64_t>(wanted.prompt.size());
  constexpr int64_t kTexts = 4, kBlock = 16;
  const auto streams = must(model->submit_many(wanted, kTexts));
  std::vector<std::string> together;
  for (const auto& stream : streams) together.push_back(must(stream->finish()).text);
  const int64_t n_read = model->stats().n_prefill_tokens;
  EXPECT_LE(n_read, n_prompt + (kTexts - 1) * kBlock) << n_prompt;
  for (uint64_t i = 0; i < kTexts; ++i) {
    wanted.options.sampling.seed = 1 + i;
    EXPECT_EQ(must(must(model->submit(wanted))->finish()).text, together[i]);
  }
  EXPECT_NE(together[0], together[1]);
}

TEST_F(ConstrainedStories, AnotherReadsThePromptWhenTheFirstIsDropped) {
  auto streams = must(model->submit_many(request("Once upon a time there was a boy", sampled(1, 10)), 3));
  streams.front().reset();
  EXPECT_EQ(must(streams[1]->finish()).n_completion_tokens, 10);
  EXPECT_EQ(must(streams[2]->finish()).n_completion_tokens, 10);
}

TEST_F(ConstrainedStories, ManyTextsAreTakenTogetherOrNotAtAll) {
  load({.n_context = 128, .scheduler = {.max_sequences = 1, .max_queued = 3}});
  EXPECT_EQ(model->submit_many(request("Once", sampled(1)), 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(model->submit_many(request("Once", sampled(1)), 4).error().code, ErrorCode::kLimit);
  EXPECT_EQ(model->stats().n_queued, 0);
  EXPECT_EQ(must(model->submit_many(request("Once", sampled(1, 2)), 3)).size(), 3u);
}

// --- streams ---

TEST_F(ConstrainedStories, PiecesComeWithTheirScores) {
  GenerateOptions options = sampled(5, 40);
  options.sampling.n_top_logprobs = 2;
  options.stop = {" the"};
  const auto stream = must(model->submit(request("Once upon a time", options)));
  std::string text;
  std::vector<ScoredToken> scored;
  int64_t n_tokens = 0;
  while (const auto piece = stream->next_piece()) {
    text += piece->text;
    EXPECT_EQ(static_cast<int64_t>(scored.size() + piece->scored.size()), piece->n_tokens);
    for (const ScoredToken& one : piece->scored) EXPECT_EQ(one.top.size(), 2u);
    scored.insert(scored.end(), piece->scored.begin(), piece->scored.end());
    n_tokens = piece->n_tokens;
  }
  const Generation made = must(stream->finish());
  EXPECT_EQ(text, made.text);
  EXPECT_EQ(n_tokens, made.n_completion_tokens);
  ASSERT_EQ(scored.size(), made.scored.size());
  for (size_t i = 0; i < scored.size(); ++i) EXPECT_EQ(scored[i].chosen.token, made.scored[i].chosen.token);
}

TEST_F(ConstrainedStories, ReadersOfTextSeeNoEmptyPiece) {
  GenerateOptions options = sampled(5, 40);
  options.sampling.n_top_logprobs = 0;
  options.stop = {"a", "e", "t"};
  const auto stream = must(model->submit(request("Once upon a time", options)));
  while (const auto piece = stream->next()) EXPECT_FALSE(piece->empty());
}

}  // namespace
}  // namespace docmind::engine
