// The random models of the tests: readable, the same every time, with weights of the wanted spread.
// SPDX-License-Identifier: Apache-2.0
#include "support/model_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "gguf/file.h"
#include "kernels/kernels.h"
#include "support/random_blocks.h"
#include "support/temp_folder.h"

namespace docmind::test {
namespace {

using kernels::TensorType;

class RandomBlocks : public testing::TestWithParam<TensorType> {};

TEST_P(RandomBlocks, HaveTheWantedSpread) {
  const auto type = kernels::tensor_type_info(GetParam());
  constexpr int64_t kN = 1 << 16;
  std::vector<std::byte> blocks(kernels::row_bytes(type, kN));
  Random random(7);
  fill_random_blocks(GetParam(), 0.25f, random, blocks);
  std::vector<float> values(kN);
  kernels::dequantize_row(GetParam(), blocks.data(), kN, values.data());
  double sum = 0, squares = 0;
  for (const float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double mean = sum / kN;
  EXPECT_NEAR(mean, 0, 0.02);
  EXPECT_NEAR(std::sqrt(squares / kN - mean * mean), 0.25, 0.05);
}

INSTANTIATE_TEST_SUITE_P(AllTypes, RandomBlocks,
                         testing::Values(TensorType::kF32, TensorType::kF16, TensorType::kBF16,
                                         TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kQ4_K,
                                         TensorType::kQ5_K, TensorType::kQ6_K),
                         [](const auto& suite) {
                           return std::string(kernels::tensor_type_info(suite.param).name);
                         });

TEST(ModelWriter, TheSameSpecGivesTheSameBytes) {
  const TempFolder folder;
  ModelSpec spec;
  ASSERT_TRUE(write_model(spec, folder.path("a.gguf")).ok());
  ASSERT_TRUE(write_model(spec, folder.path("b.gguf")).ok());
  spec.seed = 2;
  ASSERT_TRUE(write_model(spec, folder.path("c.gguf")).ok());
  EXPECT_EQ(folder.read("a.gguf"), folder.read("b.gguf"));
  EXPECT_NE(folder.read("a.gguf"), folder.read("c.gguf"));
}

TEST(ModelWriter, MixedTypesAreThoseOfAMixedFile) {
  const TempFolder folder;
  const gguf::File file = *gguf::File::open(*write_model(with_mixed_types({}), folder.path("m.gguf")));
  const auto type = [&](const char* name) {
    return static_cast<TensorType>(file.find_tensor(name)->gguf_type);
  };
  EXPECT_EQ(type("token_embd.weight"), TensorType::kQ6_K);
  EXPECT_EQ(type("blk.0.attn_v.weight"), TensorType::kQ6_K);
  EXPECT_EQ(type("blk.1.attn_v.weight"), TensorType::kQ4_K);
  EXPECT_EQ(type("blk.0.attn_norm.weight"), TensorType::kF32);
}

TEST(ModelWriter, WritesEveryArchitectureAndVocabulary) {
  const TempFolder folder;
  for (const auto architecture :
       {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3, Architecture::kBert}) {
    for (const auto tokenizer :
         {ModelTokenizer::kArchitecture, ModelTokenizer::kByteBpe, ModelTokenizer::kSentencePiece,
          ModelTokenizer::kWordPiece, ModelTokenizer::kUnigram}) {
      ModelSpec spec;
      spec.architecture = architecture;
      spec.tokenizer = tokenizer;
      const Result<std::string> path = write_model(spec, folder.path("m.gguf"));
      ASSERT_TRUE(path.ok()) << path.error().message;
      const gguf::File file = *gguf::File::open(*path);
      const auto tokens = *file.array("tokenizer.ggml.tokens")->strings();
      EXPECT_EQ(tokens.size(), 512U);
      EXPECT_EQ(std::set(tokens.begin(), tokens.end()).size(), 512U) << "a token occurs twice";
      EXPECT_EQ(file.find_tensor("token_embd.weight")->dims[1], 512);
    }
  }
}

}  // namespace
}  // namespace docmind::test
