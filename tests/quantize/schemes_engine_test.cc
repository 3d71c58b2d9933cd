// What every scheme writes is loaded by our own engine, and its logits and vectors are finite and near the source's.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/model_fixture.h"
#include "quantize/convert.h"

namespace docmind::quantize {
namespace {

using test::Architecture;
using test::LoadedModel;
using test::ModelSpec;
using test::require;
using test::TempFolder;

std::string convert_model(const TempFolder& folder, const ModelSpec& spec, Scheme scheme, Level level) {
  const gguf::File in = require(gguf::File::open(require(write_model(spec, folder.path("in.gguf")))));
  gguf::Writer out = require(gguf::Writer::create(folder.path("out.gguf")));
  ThreadTeam team(2);
  require(convert(in, out, *require(kernels::kernel_table_named("auto")), team, {.scheme = scheme, .level = level}));
  require(out.finish());
  return folder.path("out.gguf");
}

double cosine_of(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    aa += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    bb += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return dot / std::sqrt(aa * bb);
}

struct SchemeCase {
  Scheme scheme;
  Level level;
  double least_cosine;  // random weights of two layers
};
const SchemeCase kCases[] = {
    {Scheme::kFp16, Level::kBalanced, 0.9999},      {Scheme::kInt8, Level::kConservative, 0.999},
    {Scheme::kInt8, Level::kBalanced, 0.999},       {Scheme::kInt8, Level::kAggressive, 0.995},
    {Scheme::kInt4, Level::kConservative, 0.93},    {Scheme::kInt4, Level::kBalanced, 0.93},
    {Scheme::kInt4, Level::kAggressive, 0.93},      {Scheme::kDynamic, Level::kBalanced, 0.999},
    {Scheme::kDynamic, Level::kAggressive, 0.995},  {Scheme::kQ8_0, Level::kBalanced, 0.999},
    {Scheme::kQ6_K, Level::kBalanced, 0.995},       {Scheme::kQ5_K_M, Level::kBalanced, 0.98},
    {Scheme::kQ5_K_S, Level::kBalanced, 0.98},      {Scheme::kQ4_K_M, Level::kBalanced, 0.93},
    {Scheme::kQ4_K_S, Level::kBalanced, 0.93},      {Scheme::kQ4_0, Level::kBalanced, 0.9},
};

std::vector<float> last_logits(gguf::File file) {
  LoadedModel<model::Decoder> decoder(std::move(file), {});
  kv::CacheOptions options;
  options.budget_bytes = size_t{64} << 20;
  const auto cache =
      require(kv::Cache::create(decoder->kv_geometry(), options, *require(kernels::kernel_table_named("auto"))));
  const std::vector<model::TokenId> tokens = {5, 17, 260, 99, 3, 41};
  const auto sequence = require(cache->new_sequence(std::ssize(tokens)));
  std::vector<float> logits(static_cast<size_t>(decoder->config().n_vocab));
  require(decoder->forward(*sequence, tokens, logits));
  return logits;
}

void expect_near(std::span<const float> expected, std::span<const float> got, const SchemeCase& one) {
  EXPECT_TRUE(std::ranges::all_of(got, [](float value) { return std::isfinite(value); }));
  EXPECT_GE(cosine_of(expected, got), one.least_cosine) << scheme_name(one.scheme) << " " << level_name(one.level);
}

TEST(SchemesInTheEngine, LanguageModels) {
  for (const bool tied : {true, false}) {
    for (const Architecture architecture : {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3}) {
      const TempFolder folder;
      const ModelSpec spec{.architecture = architecture, .type = kernels::TensorType::kF16, .tied_output = tied};
      const auto expected =
          last_logits(require(gguf::File::open(require(write_model(spec, folder.path("source.gguf"))))));
      for (const SchemeCase& one : kCases) {
        const std::string path = convert_model(folder, spec, one.scheme, one.level);
        expect_near(expected, last_logits(require(gguf::File::open(path))), one);
      }
    }
  }
}

TEST(SchemesInTheEngine, RowsThatBlocksDoNotFill) {
  const TempFolder folder;
  // As stories260K: rows of 64 and 172.
  const ModelSpec spec{.architecture = Architecture::kLlama, .type = kernels::TensorType::kF32, .n_embd = 64,
                       .n_ff = 172, .n_heads = 4, .n_kv_heads = 2, .head_dim = 16};
  const auto expected = last_logits(require(gguf::File::open(require(write_model(spec, folder.path("source.gguf"))))));
  for (const SchemeCase& one : kCases) {
    const std::string path = convert_model(folder, spec, one.scheme, one.level);
    expect_near(expected, last_logits(require(gguf::File::open(path))), one);
  }
}

std::vector<float> encode(gguf::File file) {
  LoadedModel<model::Encoder> encoder(std::move(file), {});
  const std::vector<model::TokenId> first = {2, 17, 260, 3};
  const std::vector<model::TokenId> second = {2, 41, 99, 250, 7, 3};
  const std::vector<std::span<const model::TokenId>> texts = {first, second};
  const bool ranks = encoder.file().find_tensor("cls.weight") != nullptr;
  std::vector<float> out(ranks ? 2 : 2 * static_cast<size_t>(encoder->config().n_embd));
  require(ranks ? encoder->rank(texts, out) : encoder->embed(texts, true, out));
  return out;
}

TEST(SchemesInTheEngine, EmbeddersAndRerankers) {
  for (const bool classifier : {false, true}) {
    const TempFolder folder;
    const ModelSpec spec{.architecture = Architecture::kBert, .type = kernels::TensorType::kF16, .n_kv_heads = 4,
                         .pooling = classifier ? 4 : 2, .classifier = classifier};
    const auto expected = encode(require(gguf::File::open(require(write_model(spec, folder.path("source.gguf"))))));
    for (const SchemeCase& one : kCases) {
      const std::string path = convert_model(folder, spec, one.scheme, one.level);
      expect_near(expected, encode(require(gguf::File::open(path))), one);
    }
  }
}

}  // namespace
}  // namespace docmind::quantize
