// Encoders against the published formulas: ragged batches, pooling, scores, refusals.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gtest/gtest.h>

#include "model/model_edit.h"
#include "model/reference.h"

namespace docmind {
namespace {

using kernels::TensorType;
using model::Pooling;
using test::LoadedEncoder;
using test::ModelSpec;
using test::TokenId;

constexpr int64_t kVocabulary = 320;

ModelSpec small_spec(TensorType type, Pooling pooling) {
  ModelSpec spec;
  spec.architecture = test::Architecture::kBert;
  spec.type = type;
  spec.n_embd = 128;
  spec.n_ff = 256;
  spec.n_kv_heads = spec.n_heads = 4;
  spec.head_dim = 32;
  spec.n_vocab = kVocabulary;
  spec.pooling = static_cast<int>(pooling);
  return spec;
}

using Texts = std::vector<std::vector<TokenId>>;

// Sequences of these lengths.
Texts texts_of(std::initializer_list<int64_t> lengths) {
  Texts texts;
  for (const int64_t n : lengths) texts.push_back(test::random_tokens(n, kVocabulary, texts.size() + 1));
  return texts;
}

std::vector<std::span<const TokenId>> views(const Texts& texts) { return {texts.begin(), texts.end()}; }

std::vector<float> embed(model::Encoder& encoder, const Texts& texts, bool unit_length = false) {
  std::vector<float> rows(texts.size() * static_cast<size_t>(encoder.config().n_embd));
  test::require(encoder.embed(views(texts), unit_length, rows));
  return rows;
}

std::vector<float> rank(model::Encoder& encoder, const Texts& texts) {
  std::vector<float> scores(texts.size());
  test::require(encoder.rank(views(texts), scores));
  return scores;
}

test::Row pooled(const std::vector<test::Row>& rows, Pooling pooling) {
  if (pooling == Pooling::kCls) return rows.front();
  if (pooling == Pooling::kLast) return rows.back();
  test::Row mean(rows[0].size(), 0.0);
  for (const test::Row& row : rows) {
    for (size_t c = 0; c < mean.size(); ++c) mean[c] += row[c] / static_cast<double>(rows.size());
  }
  return mean;
}

void expect_reference(const ModelSpec& spec, double smallest_cosine, const test::LoadSetup& setup = {}) {
  LoadedEncoder encoder(spec, setup);
  const Texts texts = texts_of({1, 19, 5, 33});
  const auto got = embed(*encoder, texts);
  const auto n = static_cast<size_t>(spec.n_embd);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto rows = test::reference_rows(encoder.file(), encoder->config(), texts[i]);
    EXPECT_GE(test::cosine(pooled(rows, static_cast<Pooling>(spec.pooling)), std::span(got).subspan(i * n, n)),
              smallest_cosine) << i;
  }
}

TEST(EncoderTest, EachPoolingIsItsFormula) {
  for (const auto pooling : {Pooling::kMean, Pooling::kCls, Pooling::kLast}) {
    SCOPED_TRACE(static_cast<int>(pooling));
    expect_reference(small_spec(TensorType::kF32, pooling), 1 - 1e-9);
    expect_reference(small_spec(TensorType::kQ8_0, pooling), 0.999);
  }
}

TEST(EncoderTest, EachInstructionSetComputesTheFormula) {
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni,
                         kernels::Isa::kAvx512Bf16}) {
    if (!kernels::kernel_table(isa).ok()) continue;
    SCOPED_TRACE(kernels::isa_name(isa));
    expect_reference(small_spec(TensorType::kF32, Pooling::kMean), 1 - 1e-9,
                     {.isa = std::string(kernels::isa_name(isa))});
  }
}

TEST(EncoderTest, FusedMatricesAreSeparateOnes) {
  const ModelSpec spec = small_spec(TensorType::kF32, Pooling::kMean);
  LoadedEncoder separate(spec);
  test::ModelEdit edit;
  for (const std::string at : {"blk.0.", "blk.1."}) {
    test::ModelEdit::Tensor weight{{.name = at + "attn_qkv.weight", .dims = {128, 3 * 128}}, {}};
    test::ModelEdit::Tensor bias{{.name = at + "attn_qkv.bias", .dims = {3 * 128}}, {}};
    for (const std::string name : {"attn_q", "attn_k", "attn_v"}) {
      const auto w = separate.file().find_tensor(at + name + ".weight")->data;
      const auto b = separate.file().find_tensor(at + name + ".bias")->data;
      weight.second.insert(weight.second.end(), w.begin(), w.end());
      bias.second.insert(bias.second.end(), b.begin(), b.end());
      edit.without_tensors.insert({at + name + ".weight", at + name + ".bias"});
    }
    edit.tensors.push_back(weight);
    edit.tensors.push_back(bias);
  }
  const test::TempFolder folder;
  LoadedEncoder fused(test::open_edited_model(spec, edit, folder), {});
  const Texts texts = texts_of({20, 3});
  EXPECT_EQ(embed(*fused, texts), embed(*separate, texts));
}

TEST(EncoderTest, BiasesAndTokenTypesAreOptional) {
  const ModelSpec spec = small_spec(TensorType::kF32, Pooling::kCls);
  test::ModelEdit with_zeros, without;
  for (const std::string at : {"blk.0.", "blk.1."}) {
    for (const auto& [name, n] : {std::pair{"attn_q", 128}, {"attn_output", 128}, {"ffn_up", 256},
                                  {"attn_output_norm", 128}, {"layer_output_norm", 128}}) {
      with_zeros.tensors.push_back(test::float_tensor(at + name + ".bias", 1, n, [](auto, auto) { return 0.0f; }));
      without.without_tensors.insert(at + name + ".bias");
    }
  }
  with_zeros.tensors.push_back(test::float_tensor("token_types.weight", 2, 128, [](auto, auto) { return 0.0f; }));
  without.without_tensors.insert("token_types.weight");
  const test::TempFolder folder, other_folder;
  LoadedEncoder zeros(test::open_edited_model(spec, with_zeros, folder), {});
  LoadedEncoder none(test::open_edited_model(spec, without, other_folder), {});
  const Texts texts = texts_of({20, 3});
  EXPECT_EQ(embed(*none, texts), embed(*zeros, texts));
}

TEST(EncoderTest, BatchesAreAsSingleSequences) {
  for (const auto pooling : {Pooling::kMean, Pooling::kCls, Pooling::kLast}) {
    SCOPED_TRACE(static_cast<int>(pooling));
    const ModelSpec spec = small_spec(TensorType::kF32, pooling);
    LoadedEncoder encoder(spec, {.max_batch_tokens = 100});
    // Several batches, also of many short sequences; 130 is longer than a batch.
    Texts texts = texts_of({40, 1, 64, 17, 16, 130, 2, 90});
    for (int i = 0; i < 120; ++i) texts.push_back(test::random_tokens(1 + i % 3, kVocabulary, 100));
    const auto together = embed(*encoder, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto alone = embed(*encoder, {texts[i]});
      const auto n = static_cast<size_t>(spec.n_embd);
      EXPECT_GE(test::cosine(test::as_doubles(alone), std::span(together).subspan(i * n, n)), 1 - 1e-9) << i;
    }
  }
}

TEST(EncoderTest, LongSequencesGrowTheScratchOnce) {
  const ModelSpec spec = small_spec(TensorType::kF32, Pooling::kMean);
  LoadedEncoder small(spec, {.max_batch_tokens = 8});
  LoadedEncoder large(spec, {.max_batch_tokens = 512});
  const Texts texts = texts_of({300, 9});
  const size_t before = small->scratch_bytes();
  const auto got = embed(*small, texts);
  const size_t after = small->scratch_bytes();
  EXPECT_GT(after, before);
  EXPECT_GE(test::cosine(test::as_doubles(embed(*large, texts)), got), 1 - 1e-9);
  embed(*small, texts_of({299}));
  EXPECT_EQ(small->scratch_bytes(), after);
}

TEST(EncoderTest, UnitLengthIsAsked) {
  LoadedEncoder encoder(small_spec(TensorType::kF32, Pooling::kMean));
  const Texts texts = texts_of({7, 30});
  const auto raw = embed(*encoder, texts, false), unit = embed(*encoder, texts, true);
  for (const size_t at : {0, 128}) {
    const auto row = std::span(unit).subspan(at, 128);
    double squares = 0;
    for (const float v : row) squares += static_cast<double>(v) * v;
    EXPECT_NEAR(squares, 1, 1e-6);
    EXPECT_NEAR(test::cosine(test::as_doubles(std::span(raw).subspan(at, 128)), row), 1, 1e-9);
  }
}

TEST(RankTest, ScoresAreTheClassifiersFormula) {
  ModelSpec spec = small_spec(TensorType::kF32, Pooling::kRank);
  spec.classifier = true;
  LoadedEncoder encoder(spec, {.max_batch_tokens = 40});
  EXPECT_TRUE(encoder->config().has_classifier);
  const Texts texts = texts_of({30, 4, 17, 38});
  const auto scores = rank(*encoder, texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_NEAR(scores[i], test::reference_score(encoder.file(), encoder->config(), texts[i]), 1e-4) << i;
  }
}

TEST(RankTest, TheDenseLayerIsOptional) {
  ModelSpec spec = small_spec(TensorType::kF32, Pooling::kRank);
  spec.classifier = true;
  test::ModelEdit edit;
  edit.without_tensors = {"cls.weight", "cls.bias"};
  const test::TempFolder folder;
  LoadedEncoder encoder(test::open_edited_model(spec, edit, folder), {});
  const Texts texts = texts_of({12});
  EXPECT_NEAR(rank(*encoder, texts)[0], test::reference_score(encoder.file(), encoder->config(), texts[0]), 1e-4);
}

TEST(RankTest, OtherHeadsAreNoClassifier) {
  const test::TempFolder folder;
  test::ModelEdit edit;
  edit.tensors = {test::float_tensor("cls.output.weight", 3, 128, [](auto, auto) { return 1.0f; })};
  LoadedEncoder encoder(test::open_edited_model(small_spec(TensorType::kF32, Pooling::kCls), edit, folder), {});
  EXPECT_FALSE(encoder->config().has_classifier);
  std::vector<float> score(1);
  const Texts texts = texts_of({3});
  const Status status = encoder->rank(views(texts), score);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
}

TEST(EncoderRefusalTest, NamesSequenceAndNumbers) {
  ModelSpec spec = small_spec(TensorType::kF32, Pooling::kMean);
  spec.n_context = 50;
  LoadedEncoder encoder(spec);
  const auto refuse = [&](const Texts& texts, size_t n_out) {
    std::vector<float> out(n_out);
    const Status status = encoder->embed(views(texts), true, out);
    EXPECT_FALSE(status.ok());
    return status.ok() ? Error{} : status.error();
  };
  const Error too_long = refuse(texts_of({3, 51}), 256);
  EXPECT_EQ(too_long.code, ErrorCode::kLimit);
  EXPECT_EQ(too_long.message, "sequence 1 has 51 tokens; the model takes 50");
  EXPECT_EQ(refuse({{}}, 128).message, "sequence 0 is empty");
  EXPECT_EQ(refuse({{1}, {2, 320}}, 256).message, "sequence 1: token 1 has the id 320; the vocabulary has 320");
  EXPECT_EQ(refuse({{1}, {2}}, 255).message, "2 sequences give 256 numbers, not 255");
  EXPECT_EQ(embed(*encoder, {}).size(), 0u);
}

TEST(EncoderRefusalTest, ModelsWithoutPoolingDoNotEmbed) {
  for (const auto pooling : {Pooling::kNone, Pooling::kRank}) {
    LoadedEncoder encoder(small_spec(TensorType::kF32, pooling));
    const Texts texts = texts_of({3});
    std::vector<float> out(128);
    const Status status = encoder->embed(views(texts), true, out);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace docmind
