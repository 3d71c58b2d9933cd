// TextModel: the same text however it is asked for; limits, stops and cancels.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/text.h"
#include "engine/engine_test_support.h"
#include "engine/text_model.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

std::unique_ptr<TextModel> load(const std::string& path, EngineOptions options = {}) {
  if (options.n_threads == 0) options.n_threads = 2;
  return must(TextModel::load(path, options));
}

class Stories : public testing::Test {
 protected:
  void SetUp() override {
    if (stories_path().empty()) GTEST_SKIP() << "stories260K.gguf is not in ../shared/data/models";
    model = load(stories_path(), {.n_context = 256});
  }
  std::vector<TokenId> encode(std::string_view text) const {
    return model->tokenizer().encode(text, {.add_special = true, .parse_special = false});
  }
  Generation generate(const std::vector<TokenId>& prompt, const GenerateOptions& options,
                      const PieceSink& sink = {}, const CancelToken& cancel = {}) {
    return must(model->generate(prompt, options, sink, cancel));
  }
  std::unique_ptr<TextModel> model;
};

TEST_F(Stories, TellsTheStoryThatItLearned) {
  const Generation story = generate(encode("Once upon a time"), {.sampling = {}, .max_tokens = 40});
  EXPECT_TRUE(story.text.starts_with(", there was a little girl named Lily.")) << story.text;
  EXPECT_EQ(story.finish, FinishReason::kLength);
  EXPECT_EQ(story.n_completion_tokens, 40);
  EXPECT_EQ(story.n_prompt_tokens, 5);
  EXPECT_EQ(story.n_reused_tokens, 0);
  EXPECT_GT(story.decode_tps(), 0);
  EXPECT_GE(story.first_token_ms, story.prefill_ms);
}

TEST_F(Stories, StreamsWholeCharactersThatMakeUpTheText) {
  SamplingOptions wild;  // picks byte tokens as well
  wild.temperature = 5;
  for (wild.seed = 0; wild.seed < 5; ++wild.seed) {
    std::string streamed;
    const Generation story = generate(encode("Once"), {.sampling = wild, .max_tokens = 100, .ignore_end = true},
                                      [&](std::string_view piece) {
                                        EXPECT_TRUE(is_valid_utf8(piece));
                                        streamed += piece;
                                        return true;
                                      });
    EXPECT_EQ(streamed, story.text);
  }
}

TEST_F(Stories, TheSameSeedGivesTheSameText) {
  SamplingOptions sampling;
  sampling.temperature = 1;
  sampling.seed = 3;
  const GenerateOptions options{.sampling = sampling, .max_tokens = 40};
  const std::string first = generate(encode("The dog"), options).text;
  EXPECT_EQ(generate(encode("The dog"), options).text, first) << "the prompt's keys were reused";
  EXPECT_EQ(load(stories_path(), {.n_threads = 1})->generate(encode("The dog"), options, {}, {})->text, first);
  GenerateOptions other = options;
  other.sampling.seed = 4;
  EXPECT_NE(generate(encode("The dog"), other).text, first);
}

TEST_F(Stories, ReusesWhatThePromptHasInCommonWithTheTextBefore) {
  const GenerateOptions options{.sampling = {}, .max_tokens = 20};
  const std::vector<TokenId> prompt = encode("Once upon a time there was a cat. The cat was");
  const std::vector<TokenId> other = encode("Once upon a time there was a dog. It");
  const std::string fresh = generate(prompt, options).text;
  const std::string fresh_other = load(stories_path())->generate(other, options, {}, {})->text;
  const Generation second = generate(other, options);
  EXPECT_GT(second.n_reused_tokens, 5);
  EXPECT_LT(second.n_reused_tokens, static_cast<int64_t>(other.size()));
  EXPECT_EQ(second.text, fresh_other);
  EXPECT_EQ(generate(prompt, options).text, fresh);
  const Generation again = generate(prompt, options);
  EXPECT_EQ(again.n_reused_tokens, static_cast<int64_t>(prompt.size()) - 1);
  EXPECT_EQ(again.text, fresh);
}

TEST_F(Stories, EndsBeforeAStopString) {
  const Generation story =
      generate(encode("Once upon a time"), {.sampling = {}, .max_tokens = 60, .stop = {"named Lily", "zzz"}});
  EXPECT_EQ(story.text, ", there was a little girl ");
  EXPECT_EQ(story.finish, FinishReason::kStop);
}

TEST_F(Stories, FillsTheContextAndNoMore) {
  const std::vector<TokenId> prompt = encode("Once upon a time");
  const Generation story =
      generate(prompt, {.sampling = {}, .max_tokens = 10'000, .ignore_end = true});
  EXPECT_EQ(story.finish, FinishReason::kLength);
  EXPECT_EQ(story.n_completion_tokens, 256 - static_cast<int64_t>(prompt.size()) + 1);
  std::vector<TokenId> longer(256, prompt[1]);
  const Result<Generation> refused = model->generate(longer, {}, {}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find("has 256 tokens and the context holds 256"), std::string::npos)
      << refused.error().message;
  longer.pop_back();
  EXPECT_EQ(generate(longer, {.sampling = {}, .max_tokens = 5, .ignore_end = true}).n_completion_tokens, 2);
}

TEST_F(Stories, StopsWhenCancelledOrWhenTheSinkWantsNoMore) {
  const CancelToken cancel;
  int n_pieces = 0;
  const GenerateOptions endless{.sampling = {}, .max_tokens = 200, .ignore_end = true};
  const Generation cut = generate(encode("Once upon a time"), endless,
                                  [&](std::string_view) {
                                    if (++n_pieces == 3) cancel.cancel();
                                    return true;
                                  },
                                  cancel);
  EXPECT_EQ(cut.finish, FinishReason::kCancelled);
  EXPECT_EQ(n_pieces, 3);
  const Generation full = generate(encode("Once upon a time"), endless, [](std::string_view) { return false; });
  EXPECT_EQ(full.finish, FinishReason::kCancelled);
  EXPECT_EQ(full.n_completion_tokens, 1);
  EXPECT_EQ(generate(encode("Once"), endless, {}, cancel).n_completion_tokens, 0) << "cancelled before";
  // And the next text is what it would have been.
  EXPECT_TRUE(generate(encode("Once upon a time"), {.sampling = {}, .max_tokens = 8})
                  .text.starts_with(", there was"));
}

TEST_F(Stories, GivesLogprobsOfEachToken) {
  GenerateOptions options{.sampling = {}, .max_tokens = 5};
  options.sampling.n_top_logprobs = 3;
  const Generation story = generate(encode("Once upon a time"), options);
  ASSERT_EQ(story.scored.size(), 5U);
  for (const ScoredToken& token : story.scored) {
    ASSERT_EQ(token.top.size(), 3U);
    EXPECT_EQ(token.top[0].token, token.chosen.token) << "greedy";
    EXPECT_DOUBLE_EQ(token.top[0].logprob, token.chosen.logprob);
    EXPECT_LT(token.chosen.logprob, 0);
    EXPECT_GE(token.top[1].logprob, token.top[2].logprob);
  }
}

TEST_F(Stories, ServesSeveralThreadsTogether) {
  const GenerateOptions options{.sampling = {}, .max_tokens = 20};
  const std::vector<std::string> starts{"Once upon a time", "The dog", "Tom and Lily", "One day"};
  std::vector<std::string> expected;
  for (const std::string& start : starts) expected.push_back(generate(encode(start), options).text);
  std::vector<std::string> got(starts.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < starts.size(); ++i) {
    threads.emplace_back([&, i] { got[i] = generate(encode(starts[i]), options).text; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got, expected);
}

TEST_F(Stories, StreamsMoreTextsThanRunAtOnce) {
  const GenerateOptions options{.sampling = {}, .max_tokens = 30};
  const std::vector<std::string> starts{"Once upon a time", "The dog", "Tom and Lily", "One day", "A cat", "Mom"};
  std::vector<std::string> expected;
  for (const std::string& start : starts) expected.push_back(generate(encode(start), options).text);
  const std::unique_ptr<TextModel> small = load(stories_path(), {.n_context = 256, .scheduler = {.max_sequences = 3}});
  std::vector<std::unique_ptr<TextStream>> streams;
  for (const std::string& start : starts) {
    streams.push_back(must(small->submit({.prompt = encode(start), .options = options})));
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    std::string streamed;
    while (const auto piece = streams[i]->next()) streamed += *piece;
    EXPECT_EQ(streamed, expected[i]);
    EXPECT_EQ(must(streams[i]->finish()).text, expected[i]);
  }
  const SchedulerStats stats = small->stats();
  EXPECT_EQ(stats.n_finished, 6);
  EXPECT_GT(stats.mean_batch(), 1.5);
  EXPECT_LE(stats.mean_batch(), 3);
  EXPECT_EQ(stats.kv.referenced_bytes, 0U);
}

TEST_F(Stories, MakesRoomForOthersAndGoesOnWithTheSameText) {
  const GenerateOptions options{.sampling = {}, .max_tokens = 150, .ignore_end = true};
  const std::vector<std::string> starts{"Once upon a time", "The dog", "Tom and Lily", "One day"};
  std::vector<std::string> expected;
  for (const std::string& start : starts) expected.push_back(generate(encode(start), options).text);
  const test::TempFolder folder;
  for (const std::string& spill : {std::string(), folder.path()}) {
    EngineOptions engine{.n_context = 256, .spill_folder = spill};
    // 256 tokens take 16 blocks, a piece of 256 another 17, a quarter more 4: two texts of ten blocks fit, not four.
    engine.kv_budget_bytes = model->stats().kv.budget_bytes * 24 / 37;
    const std::unique_ptr<TextModel> tight = load(stories_path(), engine);
    // The scheduler stands still until all have come.
    std::promise<void> all_have_come;
    std::vector<std::unique_ptr<TextStream>> streams;
    for (const std::string& start : starts) {
      TextRequest request{.prompt = encode(start), .options = options};
      if (streams.empty()) request.on_ready = [come = all_have_come.get_future().share()] { come.wait(); };
      streams.push_back(must(tight->submit(std::move(request))));
    }
    all_have_come.set_value();
    for (size_t i = 0; i < starts.size(); ++i) EXPECT_EQ(must(streams[i]->finish()).text, expected[i]);
    EXPECT_GT(tight->stats().n_preempted, 0);
    EXPECT_EQ(tight->stats().n_restored > 0, !spill.empty());
    EXPECT_LE(tight->stats().kv.peak_bytes, engine.kv_budget_bytes);
  }
}

TEST_F(Stories, TellsAStoryFromEachFormatOfItsCache) {
  std::vector<TokenId> prompt = encode("Once upon a time there was a little girl named Lily. ");
  while (prompt.size() < 400) prompt.insert(prompt.end(), prompt.begin() + 1, prompt.end());
  prompt.resize(400);
  for (const kv::Format format : {kv::Format::kF16, kv::Format::kInt8, kv::Format::kInt4, kv::Format::kK8V4}) {
    const std::unique_ptr<TextModel> other = load(stories_path(), {.n_context = 512, .kv_format = {.format = format}});
    const Generation story = must(other->generate(prompt, {.sampling = {}, .max_tokens = 20}, {}, {}));
    EXPECT_EQ(story.n_completion_tokens, 20);
    EXPECT_GT(must(other->generate(prompt, {.sampling = {}, .max_tokens = 20}, {}, {})).n_reused_tokens, 0);
    EXPECT_EQ(other->stats().kv.n_sealed_pages > 0, format != kv::Format::kF16);
  }
}

TEST_F(Stories, StartsWarmFromSavedPrefixes) {
  const test::TempFolder folder;
  const GenerateOptions options{.sampling = {}, .max_tokens = 10};
  const std::vector<TokenId> prompt = encode("Once upon a time there was a cat. The cat was big and had a red hat. It");
  const std::string text = generate(prompt, options).text;
  ASSERT_TRUE(model->save_prefixes(folder.path("warm.kv"), size_t{1} << 30).ok());
  const std::unique_ptr<TextModel> next = load(stories_path(), {.n_context = 256});
  EXPECT_GT(must(next->restore_prefixes(folder.path("warm.kv"))), 15);
  const Generation warm = must(next->generate(prompt, options, {}, {}));
  EXPECT_GT(warm.n_reused_tokens, 15);
  EXPECT_EQ(warm.text, text);
  const std::unique_ptr<TextModel> other = load(stories_path(), {.kv_format = {.format = kv::Format::kInt8}});
  EXPECT_EQ(other->restore_prefixes(folder.path("warm.kv")).error().code, ErrorCode::kMismatch);
}

TEST_F(Stories, RefusesArgumentsThatMakeNoSense) {
  EXPECT_EQ(model->generate({}, {}, {}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(model->generate(encode("a"), {.sampling = {}, .max_tokens = 0}, {}, {}).error().code,
            ErrorCode::kInvalidArgument);
  const std::vector<TokenId> beyond{1, 512};
  const std::vector<TokenId> negative{-1};
  EXPECT_EQ(model->generate(beyond, {}, {}, {}).error().message,
            "the prompt has token 512, the model's are 0 to 511");
  EXPECT_EQ(model->generate(negative, {}, {}, {}).error().code, ErrorCode::kInvalidArgument);
  const auto too_large = TextModel::load(stories_path(), {.n_threads = 1, .n_context = 4'096});
  ASSERT_FALSE(too_large.ok());
  EXPECT_NE(too_large.error().message.find("4096 tokens is wanted"), std::string::npos);
  EXPECT_NE(too_large.error().message.find("made for 2048"), std::string::npos);
}

TEST_F(Stories, TakesMessagesAsPlainTextWithoutAChatTemplate) {
  EXPECT_FALSE(model->has_chat_template());
  const tokenizer::ChatMessage messages[] = {{"system", "Be kind."}, {"user", "Hello"}};
  EXPECT_EQ(must(model->encode_chat(messages, {})), encode("Be kind.\n\nHello"));
}

TEST(TextModel, LoadsTheArchitecturesAndRefusesTheRest) {
  const test::TempFolder folder;
  for (const test::Architecture architecture :
       {test::Architecture::kLlama, test::Architecture::kQwen2, test::Architecture::kQwen3}) {
    const std::string path =
        must(test::write_model({.architecture = architecture}, folder.path("model.gguf")));
    const std::unique_ptr<TextModel> model = load(path);
    const std::vector<TokenId> prompt = model->tokenizer().encode("some words", {});
    EXPECT_EQ(must(model->generate(prompt, {.sampling = {}, .max_tokens = 4, .ignore_end = true}, {}, {}))
                  .n_completion_tokens, 4);
  }
  const auto code_of = [](const std::string& path) {
    return TextModel::load(path, {.n_threads = 1}).error();
  };
  EXPECT_EQ(code_of(folder.path("absent.gguf")).code, ErrorCode::kNotFound);
  EXPECT_EQ(code_of(folder.write("text.gguf", "This is no model.")).code, ErrorCode::kMalformed);
  const Error embedder = code_of(
      must(test::write_model({.architecture = test::Architecture::kBert}, folder.path("bert.gguf"))));
  EXPECT_EQ(embedder.code, ErrorCode::kUnsupported);
  EXPECT_NE(embedder.message.find("is an embedder (bert), where a language model is needed; use it with --embedder"),
            std::string::npos) << embedder.message;
  const std::string path = must(test::write_model({}, folder.path("model.gguf")));
  EXPECT_EQ(TextModel::load(path, {.n_threads = 1, .isa = "mmx"}).error().code, ErrorCode::kInvalidArgument);
  const Result<std::unique_ptr<TextModel>> cancelled =
      TextModel::load(path, {.n_threads = 1, .progress = [](size_t, size_t) { return false; }});
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

TEST(TextModel, AnswersTheSameWithEveryInstructionSet) {
  const test::TempFolder folder;
  // F32: quantized activations round, and random weights have near ties.
  const std::string path =
      must(test::write_model({.type = kernels::TensorType::kF32, .seed = 5}, folder.path("model.gguf")));
  std::string scalar;
  for (const char* isa : {"scalar", "avx2", "avx512_vnni", "avx512_bf16"}) {
    Result<std::unique_ptr<TextModel>> model = TextModel::load(path, {.n_threads = 2, .isa = isa});
    if (!model.ok()) {
      EXPECT_EQ(model.error().code, ErrorCode::kUnsupported) << model.error().message;
      continue;
    }
    EXPECT_EQ((*model)->info().isa, isa);
    const std::vector<TokenId> prompt = (*model)->tokenizer().encode("the same words for all", {});
    const std::string text =
        must((*model)->generate(prompt, {.sampling = {}, .max_tokens = 16, .ignore_end = true}, {}, {})).text;
    if (scalar.empty()) scalar = text;
    EXPECT_EQ(text, scalar) << isa;
  }
}

}  // namespace
}  // namespace docmind::engine
