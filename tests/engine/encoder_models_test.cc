// EmbeddingModel and RerankModel: order and cutting; what they refuse.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/cut_tokens.h"
#include "engine/embedding_model.h"
#include "engine/engine_test_support.h"
#include "engine/model_kind.h"
#include "engine/rerank_model.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::engine {
namespace {

const test::ModelSpec kEmbedder{.architecture = test::Architecture::kBert,
                                .type = kernels::TensorType::kF32, .n_heads = 4, .n_kv_heads = 4, .pooling = 2};
const test::ModelSpec kReranker{.architecture = test::Architecture::kBert, .type = kernels::TensorType::kF32,
                                .n_heads = 4, .n_kv_heads = 4, .pooling = 4, .classifier = true};

std::string words(size_t n, size_t from) {
  static const char* const kWords[] = {"pump", "grease", "weeks", "lease", "notice", "coffee", "the", "of"};
  std::string text;
  for (size_t i = 0; i < n; ++i) text += std::string(kWords[(from + i * i) % 8]) + " ";
  return text;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  for (size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return dot;
}

TEST(EmbeddingModel, GivesEachTextItsOwnVectorWhateverIsBesideIt) {
  const test::TempFolder folder;
  const auto model = must(EmbeddingModel::load(must(test::write_model(kEmbedder, folder.path("e.gguf"))),
                                               {.n_threads = 2}));
  const size_t n = model->dimension();
  std::vector<std::string> texts;
  for (size_t i = 0; i < 20; ++i) texts.push_back(words(1 + (i * 37) % 90, i));
  texts.push_back("");
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<float> together(texts.size() * n);
  const EmbedReport report = must(model->embed(views, together, {}));
  EXPECT_EQ(report.n_cut_texts, 0);
  EXPECT_GT(report.n_tokens, 20 * 3);
  std::vector<float> alone(n);
  for (size_t i = 0; i < texts.size(); ++i) {
    must(model->embed({&views[i], 1}, alone, {}));
    const std::span<const float> row = std::span(together).subspan(i * n, n);
    EXPECT_NEAR(cosine(row, row), 1, 1e-5) << "unit length";
    EXPECT_TRUE(std::equal(row.begin(), row.end(), alone.begin())) << i;
  }
  EXPECT_LT(cosine(std::span(together).first(n), std::span(together).subspan(n, n)), 0.9999);
}

TEST(EmbeddingModel, CutsToItsContextAndSaysSo) {
  const test::TempFolder folder;
  test::ModelSpec spec = kEmbedder;
  spec.n_context = 32;
  const auto model = must(EmbeddingModel::load(must(test::write_model(spec, folder.path("e.gguf"))),
                                               {.n_threads = 1}));
  const std::string long_text = words(400, 0);
  const std::string_view texts[] = {"short", long_text};
  std::vector<float> out(2 * model->dimension());
  const EmbedReport report = must(model->embed(texts, out, {}));
  EXPECT_EQ(report.n_cut_texts, 1);
  EXPECT_GT(report.n_cut_tokens, 300);
  const CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(model->embed(texts, out, cancel).error().code, ErrorCode::kCancelled);
}

TEST(RerankModel, ScoresEachDocumentWhateverIsBesideIt) {
  const test::TempFolder folder;
  const auto model = must(RerankModel::load(must(test::write_model(kReranker, folder.path("r.gguf"))),
                                            {.n_threads = 2}));
  std::vector<std::string> texts;
  for (size_t i = 0; i < 12; ++i) texts.push_back(words(1 + (i * 53) % 100, i));
  texts.push_back(words(2'000, 1));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const RerankReport together = must(model->rank("pump grease", views, {}));
  ASSERT_EQ(together.scores.size(), texts.size());
  EXPECT_GT(together.n_cut_tokens, 1'000);
  std::set<float> distinct;
  for (size_t i = 0; i < texts.size(); ++i) {
    const RerankReport alone = must(model->rank("pump grease", {&views[i], 1}, {}));
    EXPECT_EQ(alone.scores[0].logit, together.scores[i].logit) << i;
    EXPECT_NEAR(together.scores[i].probability, 1 / (1 + std::exp(-together.scores[i].logit)), 1e-6);
    distinct.insert(together.scores[i].logit);
  }
  EXPECT_GT(distinct.size(), 10U);
  EXPECT_TRUE(must(model->rank("pump", {}, {})).scores.empty());
}

TEST(ModelKinds, AreToldApart) {
  const test::TempFolder folder;
  const std::string embedder = must(test::write_model(kEmbedder, folder.path("e.gguf")));
  const std::string reranker = must(test::write_model(kReranker, folder.path("r.gguf")));
  const std::string text = must(test::write_model({}, folder.path("t.gguf")));
  EXPECT_EQ(must(model_kind_of(must(gguf::File::open(embedder)))), ModelKind::kEmbedding);
  EXPECT_EQ(must(model_kind_of(must(gguf::File::open(reranker)))), ModelKind::kRerank);
  EXPECT_EQ(must(model_kind_of(must(gguf::File::open(text)))), ModelKind::kText);
  EXPECT_NE(EmbeddingModel::load(reranker, {}).error().message.find("is a reranker (bert), where an embedder"),
            std::string::npos);
  EXPECT_NE(RerankModel::load(text, {}).error().message.find("is a language model (qwen3)"), std::string::npos);
}

TEST(ModelFingerprint, ChangesWithTheContentOnly) {
  const test::TempFolder folder;
  folder.mkdir("elsewhere");
  const auto print = [&](test::ModelSpec spec, const std::string& name) {
    return model_fingerprint(must(gguf::File::open(must(test::write_model(spec, folder.path(name))))));
  };
  const std::string first = print(kEmbedder, "a.gguf");
  EXPECT_EQ(first.size(), 12U);
  EXPECT_EQ(print(kEmbedder, "elsewhere/b.gguf"), first);
  test::ModelSpec other = kEmbedder;
  other.seed = 2;
  EXPECT_NE(print(other, "c.gguf"), first) << "other weights";
  other = kEmbedder;
  other.pooling = 1;
  EXPECT_NE(print(other, "d.gguf"), first) << "other metadata";
}

TEST(CutTo, KeepsTheEndMark) {
  tokenizer::Vocabulary vocabulary;
  vocabulary.eos = 9;
  vocabulary.separator = 8;
  std::vector<model::TokenId> tokens{1, 2, 3, 4, 9};
  EXPECT_EQ(cut_to(5, vocabulary, tokens), 0);
  EXPECT_EQ(cut_to(3, vocabulary, tokens), 2);
  EXPECT_EQ(tokens, (std::vector<model::TokenId>{1, 2, 9}));
  tokens = {1, 2, 3, 4};
  EXPECT_EQ(cut_to(2, vocabulary, tokens), 2);
  EXPECT_EQ(tokens, (std::vector<model::TokenId>{1, 2}));
}

}  // namespace
}  // namespace docmind::engine
