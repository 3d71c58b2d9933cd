// EngineOptions::quantize: which models it changes, what they are called then, and what memory they take.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/embedding_model.h"
#include "engine/engine_test_support.h"
#include "engine/rerank_model.h"
#include "engine/text_memory.h"
#include "engine/text_model.h"
#include "model/model_bytes.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

using kernels::TensorType;
using model::QuantizeOnLoad;

EngineOptions options_of(QuantizeOnLoad quantize) {
  EngineOptions options;
  options.n_threads = 2;
  options.quantize = quantize;
  return options;
}

// A model file of random weights.
std::string written(const test::TempFolder& folder, test::Architecture architecture, TensorType type, int pooling = 2) {
  test::ModelSpec spec{.architecture = architecture, .type = type};
  if (architecture == test::Architecture::kBert) {
    spec.n_kv_heads = spec.n_heads;
    spec.pooling = pooling;
    spec.classifier = pooling == 4;
  }
  return must(test::write_model(spec, folder.path("m.gguf")));
}

void expect_names(const ModelInfo& plain, const ModelInfo& eight, const ModelInfo& four) {
  EXPECT_EQ(plain.quantized_on_load, "");
  EXPECT_EQ(eight.quantized_on_load, "int8");
  EXPECT_EQ(four.quantized_on_load, "int4");
  EXPECT_EQ(eight.fingerprint, plain.fingerprint + "-int8");
  EXPECT_EQ(four.fingerprint, plain.fingerprint + "-int4");
}

template <typename Model>
void expect_names_and_sizes(const std::string& path) {
  const auto plain = must(Model::load(path, options_of(QuantizeOnLoad::kNone)));
  const auto eight = must(Model::load(path, options_of(QuantizeOnLoad::kInt8)));
  const auto four = must(Model::load(path, options_of(QuantizeOnLoad::kInt4)));
  expect_names(plain->info(), eight->info(), four->info());
  const auto weights = [](const Model& model) {
    if constexpr (requires { model.decoder(); }) return model.decoder().weight_bytes();
    else return model.encoder().weight_bytes();
  };
  EXPECT_LT(weights(*eight), weights(*plain));
  EXPECT_LT(weights(*four), weights(*eight));
}

TEST(QuantizeOnLoadOption, ReachesEachKindOfModelAndItsFingerprint) {
  const test::TempFolder folder;
  expect_names_and_sizes<TextModel>(written(folder, test::Architecture::kQwen3, TensorType::kF16));
  expect_names_and_sizes<EmbeddingModel>(written(folder, test::Architecture::kBert, TensorType::kF16));
  expect_names_and_sizes<RerankModel>(written(folder, test::Architecture::kBert, TensorType::kF32, 4));
}

TEST(QuantizeOnLoadOption, AFileWithoutFloatMatricesIsWhatItWas) {
  const test::TempFolder folder;
  const std::string path = written(folder, test::Architecture::kQwen3, TensorType::kQ8_0);
  const auto plain = must(TextModel::load(path, options_of(QuantizeOnLoad::kNone)));
  const auto asked = must(TextModel::load(path, options_of(QuantizeOnLoad::kInt8)));
  EXPECT_EQ(asked->info().quantized_on_load, "");
  EXPECT_EQ(asked->info().fingerprint, plain->info().fingerprint);
}

std::vector<TokenId> prompt_of(const TextModel& model) {
  std::vector<TokenId> prompt;
  for (TokenId i = 0; i < 80; ++i) prompt.push_back(3 + i % (static_cast<TokenId>(model.tokenizer().n_tokens()) - 8));
  return prompt;
}

TEST(QuantizeOnLoadOption, SavedPrefixesAreNotMixed) {
  const test::TempFolder folder;
  const std::string path = written(folder, test::Architecture::kQwen3, TensorType::kF16);
  {
    const auto eight = must(TextModel::load(path, options_of(QuantizeOnLoad::kInt8)));
    must(eight->generate(prompt_of(*eight), {.sampling = {}, .max_tokens = 4, .ignore_end = true}, {}, {}));
    ASSERT_TRUE(eight->save_prefixes(folder.path("warm.kv"), size_t{1} << 30).ok());
  }
  const auto load = [&](QuantizeOnLoad quantize) { return must(TextModel::load(path, options_of(quantize))); };
  EXPECT_GT(must(load(QuantizeOnLoad::kInt8)->restore_prefixes(folder.path("warm.kv"))), 60);
  for (const auto other : {QuantizeOnLoad::kNone, QuantizeOnLoad::kInt4}) {
    EXPECT_EQ(load(other)->restore_prefixes(folder.path("warm.kv")).error().code, ErrorCode::kMismatch);
  }
}

TEST(TextMemory, IsWhatLoadingTakes) {
  const test::TempFolder folder;
  const std::string path = written(folder, test::Architecture::kQwen3, TensorType::kF16);
  for (const auto quantize : {QuantizeOnLoad::kNone, QuantizeOnLoad::kInt8, QuantizeOnLoad::kInt4}) {
    for (const auto format : {kv::Format::kF16, kv::Format::kInt4}) {
      EngineOptions options = options_of(quantize);
      options.n_context = 300;
      options.kv_format.format = format;
      options.scheduler.max_sequences = 3;
      options.scheduler.prefill_tokens = 300;
      const TextMemory told = must(text_memory(must(gguf::File::open(path)), options));
      const auto model = must(TextModel::load(path, options));
      EXPECT_EQ(told.weight_bytes, model->decoder().weight_bytes());
      EXPECT_EQ(told.decode_read_bytes, model->decoder().decode_read_bytes());
      EXPECT_EQ(told.scratch_bytes, model->decoder().scratch_bytes());
      EXPECT_EQ(told.kv_bytes, model->stats().kv.budget_bytes);
      EXPECT_EQ(told.n_context, model->n_context());
      EXPECT_EQ(told.logit_bytes, 3 * sizeof(float) * static_cast<size_t>(model->decoder().config().n_vocab));
      EXPECT_EQ(told.pass_bytes, model::forward_pass_bytes(model->decoder().config(), 3) +
                                     model::forward_pass_bytes(model->decoder().config(), 300));
      EXPECT_EQ(told.total_bytes(), told.weight_bytes + told.scratch_bytes + told.pass_bytes + told.logit_bytes +
                                        told.kv_bytes);
    }
  }
}

TEST(TextMemory, RefusesWhatLoadingRefuses) {
  const test::TempFolder folder;
  const gguf::File text = must(gguf::File::open(written(folder, test::Architecture::kQwen3, TensorType::kF16)));
  EngineOptions options;
  options.n_context = 1 << 20;
  const auto too_long = text_memory(text, options);
  ASSERT_FALSE(too_long.ok());
  EXPECT_EQ(too_long.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(too_long.error().message.find("1048576"), std::string::npos) << too_long.error().message;
  const test::TempFolder other;
  const gguf::File embedder = must(gguf::File::open(written(other, test::Architecture::kBert, TensorType::kF16)));
  EXPECT_EQ(text_memory(embedder, {}).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace docmind::engine
