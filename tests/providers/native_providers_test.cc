// The native providers over small random models: what they promise whatever the model says.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "providers/native_embedder.h"
#include "providers/native_generator.h"
#include "providers/native_reranker.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::providers {
namespace {

template <typename T>
T value_of(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

class NativeProviders : public testing::Test {
 protected:
  std::shared_ptr<engine::TextModel> text_model(int64_t n_context, uint64_t seed = 1) const {
    const test::ModelSpec spec{.n_context = n_context, .seed = seed};
    return value_of(engine::TextModel::load(value_of(test::write_model(spec, folder.path("t.gguf"))), {.n_threads = 1}));
  }
  test::TempFolder folder;
  const std::string long_text = [] {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "The pump must be greased every six weeks. ";
    return text;
  }();
};

TEST_F(NativeProviders, AGeneratorFitsItsPromptIntoTheContext) {
  const NativeGenerator generator(text_model(2'048), {});
  const std::vector<Passage> passages{{.text = "The pump weighs forty kilograms.", .title = "Pump"},
                                      {.text = long_text, .title = "Care"},
                                      {.text = long_text, .title = "More"}};
  std::string streamed;
  const TextSink sink = [&](std::string_view piece) {
    streamed += piece;
    return true;
  };
  const GenerateRequest request{.question = "What does the pump weigh?", .passages = passages, .max_tokens = 64};
  const GenerateResult result = value_of(generator.generate(request, sink, {}));
  EXPECT_LE(result.n_prompt_tokens, 2'048 - 64);
  EXPECT_GT(result.n_prompt_tokens, 1'900) << "it uses the room there is";
  EXPECT_EQ(result.text, streamed);
  EXPECT_LE(result.n_completion_tokens, 64);
  for (const Evidence& span : result.evidence) EXPECT_LT(span.passage, 2U);
  const GenerateResult again = value_of(generator.generate(request, {}, {}));
  EXPECT_EQ(again.text, result.text);
  EXPECT_FALSE(generator.quotes_documents());
  EXPECT_EQ(generator.generate(request, [](std::string_view) { return false; }, {}).error().code,
            ErrorCode::kCancelled);
  const CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(generator.generate(request, {}, cancel).error().code, ErrorCode::kCancelled);
}

TEST_F(NativeProviders, AContextWithoutRoomIsAnErrorWithNumbers) {
  const NativeGenerator generator(text_model(64), {});
  const std::vector<Passage> passages{{.text = long_text, .title = "Care"}};
  const auto refused = generator.generate({.question = "Why?", .passages = passages}, {}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find("raise model.context"), std::string::npos) << refused.error().message;
}

TEST_F(NativeProviders, IdentitiesNameWhatChangesTheOutput) {
  const auto model = text_model(512);
  const std::string plain = NativeGenerator(model, {}).info().identity;
  EXPECT_EQ(NativeGenerator(model, {}).info().identity, plain);
  NativeGeneratorOptions warm;
  warm.sampling.temperature = 0.5;
  const std::string warmer = NativeGenerator(model, warm).info().identity;
  EXPECT_NE(warmer, plain);
  warm.sampling.seed = 2;
  EXPECT_NE(NativeGenerator(model, warm).info().identity, warmer);
  NativeGeneratorOptions seeded;
  seeded.sampling.seed = 2;
  EXPECT_EQ(NativeGenerator(model, seeded).info().identity, plain) << "no draw, no seed";
  EXPECT_NE(NativeGenerator(text_model(512, 9), {}).info().identity, plain);
  // An answer from rounded keys and values is another answer.
  engine::EngineOptions rounded{.n_threads = 1};
  rounded.kv_format.format = kv::Format::kInt4;
  const std::shared_ptr<engine::TextModel> int4 =
      value_of(engine::TextModel::load(folder.path("t.gguf"), rounded));
  EXPECT_NE(NativeGenerator(int4, {}).info().identity, NativeGenerator(text_model(512, 9), {}).info().identity);
}

TEST_F(NativeProviders, AnAnswerFromAnotherFormatThanConfiguredSaysSo) {
  const std::shared_ptr<engine::TextModel> model = text_model(512);
  const NativeGenerator generator(model, {});
  const std::string configured = generator.info().identity;
  const std::vector<Passage> passages{{.text = "The pump weighs forty kilograms.", .title = "Pump"}};
  const GenerateRequest request{.question = "What does the pump weigh?", .passages = passages, .max_tokens = 8};
  EXPECT_EQ(value_of(generator.generate(request, {}, {})).identity, "");
  EXPECT_EQ(generator.identity_now(), configured);
  ASSERT_TRUE(model->set({.kv_format = kv::Format::kInt8}).ok());
  EXPECT_EQ(generator.info().identity, configured);
  const std::string changed = generator.identity_now();
  EXPECT_NE(changed, configured);
  EXPECT_EQ(value_of(generator.generate(request, {}, {})).identity, changed);
  // It is the identity of a model that was loaded so.
  engine::EngineOptions options{.n_threads = 1};
  options.kv_format.format = kv::Format::kInt8;
  const std::shared_ptr<engine::TextModel> int8 = value_of(engine::TextModel::load(folder.path("t.gguf"), options));
  EXPECT_EQ(NativeGenerator(int8, {}).info().identity, changed);
}

TEST_F(NativeProviders, AnEmbedderAndARerankerKeepTheirPromises) {
  test::ModelSpec spec{.architecture = test::Architecture::kBert, .n_kv_heads = 4, .pooling = 2};
  const NativeEmbedder embedder(
      value_of(engine::EmbeddingModel::load(value_of(test::write_model(spec, folder.path("e.gguf"))), {.n_threads = 1})));
  const EmbedderInfo info = embedder.info();
  EXPECT_EQ(info.dimension, 256U);
  EXPECT_TRUE(info.normalised);
  EXPECT_TRUE(info.provider.identity.starts_with("native/bert/")) << info.provider.identity;
  const std::string_view texts[] = {"a pump", "a lease", "a pump"};
  std::vector<float> rows(3 * info.dimension);
  ASSERT_TRUE(embedder.embed(texts, EmbedKind::kDocument, rows, {}).ok());
  EXPECT_TRUE(std::equal(rows.begin(), rows.begin() + 256, rows.begin() + 512));
  EXPECT_GT(embedder.n_tokens(), 6);
  EXPECT_EQ(embedder.n_cut_tokens(), 0);

  spec.pooling = 4;
  spec.classifier = true;
  const NativeReranker reranker(
      value_of(engine::RerankModel::load(value_of(test::write_model(spec, folder.path("r.gguf"))), {.n_threads = 1})));
  const std::vector<Passage> passages{{.text = "a pump"}, {.text = "a lease", .heading = "Rent"}, {.text = long_text}};
  const std::vector<double> scores = value_of(reranker.rerank("pump?", passages, {}));
  ASSERT_EQ(scores.size(), 3U);
  for (const double score : scores) EXPECT_TRUE(score >= 0 && score <= 1) << score;
  EXPECT_NE(scores[0], scores[1]);
}

TEST_F(NativeProviders, ATrainedModelAnswersWithoutAChatTemplate) {
  const std::string path = std::string(DOCMIND_SOURCE_DIR) + "/../shared/data/models/stories260K.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "stories260K.gguf is not in ../shared/data/models";
  const NativeGenerator generator(value_of(engine::TextModel::load(path, {.n_threads = 1})), {});
  const std::vector<Passage> passages{{.text = "Lily has a red ball. She plays in the park.", .title = "Lily"}};
  const GenerateResult result =
      value_of(generator.generate({.question = "What does Lily have?", .passages = passages, .max_tokens = 40}, {}, {}));
  EXPECT_TRUE(result.answered);
  EXPECT_FALSE(result.text.empty());
  EXPECT_EQ(result.n_completion_tokens, 40);
  EXPECT_EQ(result.finish_reason, "length");
}

}  // namespace
}  // namespace docmind::providers
