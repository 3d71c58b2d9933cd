// Types of the tensors by scheme and level; tests/parity compares the mixes with llama.cpp's own choices.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/tensor_choice.h"

#include <gtest/gtest.h>

#include <map>

#include "quantize/tensor_roles.h"

namespace docmind::quantize {
namespace {

using kernels::TensorType;

struct NamedShape {
  std::string name;
  int64_t cols = 256;
  int64_t rows = 256;
};

// The choices by name; "keep" or the type's name.
std::map<std::string, std::string> choose(const ModelFacts& model, const std::vector<NamedShape>& shapes, Scheme scheme,
                                          Level level = Level::kBalanced) {
  std::vector<TensorFacts> facts;
  for (const NamedShape& shape : shapes) {
    facts.push_back({.name = shape.name, .dims = {shape.cols, shape.rows, 1, 1}, .n_dims = shape.rows > 1 ? 2 : 1});
  }
  const auto choices = choose_types(model, facts, scheme, level);
  EXPECT_TRUE(choices.ok()) << choices.error().message;
  std::map<std::string, std::string> types;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const TensorChoice& choice = (*choices)[i];
    types[shapes[i].name] = choice.keep ? "keep" : std::string(kernels::tensor_type_info(choice.type).name);
  }
  return types;
}

const ModelFacts kModel{.architecture = "qwen3", .n_layers = 8, .n_heads = 8, .n_kv_heads = 2, .tied = false};

const std::vector<NamedShape> kLayer = {{"token_embd.weight"}, {"output.weight"},           {"blk.0.attn_q.weight"},
                                        {"blk.0.attn_v.weight"}, {"blk.0.ffn_down.weight"}, {"blk.2.attn_v.weight"}};

TEST(TensorChoice, NamesAreReadInAnyCase) {
  EXPECT_EQ(*parse_scheme("Q4_K_M"), Scheme::kQ4_K_M);
  EXPECT_EQ(*parse_scheme("q4_k"), Scheme::kQ4_K_M);
  EXPECT_EQ(*parse_scheme("q5_K"), Scheme::kQ5_K_M);
  EXPECT_EQ(*parse_level("Aggressive"), Level::kAggressive);
  for (const char* name :
       {"fp16", "int8", "int4", "dynamic", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q4_0"}) {
    EXPECT_EQ(scheme_name(*parse_scheme(name)), name);
  }
  for (const char* name : {"conservative", "balanced", "aggressive"}) EXPECT_EQ(level_name(*parse_level(name)), name);
}

TEST(TensorChoice, ANameThatIsNearIsOffered) {
  const auto scheme = parse_scheme("q4_k_n");
  ASSERT_FALSE(scheme.ok());
  EXPECT_EQ(scheme.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(scheme.error().message.find("'q4_k_m' is the nearest"), std::string::npos) << scheme.error().message;
  EXPECT_NE(scheme.error().message.find("dynamic"), std::string::npos) << scheme.error().message;
  EXPECT_NE(parse_level("agressive").error().message.find("'aggressive' is the nearest"), std::string::npos);
  EXPECT_FALSE(parse_scheme("").ok());
}

TEST(TensorChoice, OnlyMatricesOfLayersAndTheVocabularyAreTouched) {
  const std::vector<NamedShape> kept = {{"output_norm.weight", 256, 1},     {"blk.0.attn_norm.weight", 256, 1},
                                        {"blk.0.attn_q.bias", 256, 1},      {"position_embd.weight"},
                                        {"token_types.weight", 256, 2},     {"cls.weight"},
                                        {"cls.output.weight", 256, 2},      {"rope_freqs.weight", 32, 1},
                                        {"blk.0.ffn_gate_inp.weight"},      {"blk.0.some_norm.weight"},
                                        {"blk.x.attn_q.weight"},            {"token_embd_norm.weight", 256, 1},
                                        {"blk.-1.attn_q.weight"},           {"blk.99999999999.attn_q.weight"}};
  for (const Scheme scheme : {Scheme::kFp16, Scheme::kQ4_K_M, Scheme::kInt8, Scheme::kDynamic}) {
    for (const auto& [name, type] : choose(kModel, kept, scheme)) EXPECT_EQ(type, "keep") << name;
  }
  for (const auto& [name, type] : choose(kModel, kLayer, Scheme::kFp16)) EXPECT_EQ(type, "F16") << name;
}

using Types = std::map<std::string, std::string>;

TEST(TensorChoice, LevelsOfInt8) {
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kInt8, Level::kConservative),
            (Types{{"token_embd.weight", "F16"}, {"output.weight", "F16"}, {"blk.0.attn_q.weight", "Q8_0"},
                   {"blk.0.attn_v.weight", "Q8_0"}, {"blk.0.ffn_down.weight", "Q8_0"},
                   {"blk.2.attn_v.weight", "Q8_0"}}));
  for (const auto& [name, type] : choose(kModel, kLayer, Scheme::kInt8)) EXPECT_EQ(type, "Q8_0") << name;
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kInt8, Level::kAggressive),
            (Types{{"token_embd.weight", "Q6_K"}, {"output.weight", "Q6_K"}, {"blk.0.attn_q.weight", "Q6_K"},
                   {"blk.0.attn_v.weight", "Q8_0"}, {"blk.0.ffn_down.weight", "Q8_0"},
                   {"blk.2.attn_v.weight", "Q8_0"}}));
}

TEST(TensorChoice, LevelsOfInt4) {
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kInt4, Level::kConservative),
            (Types{{"token_embd.weight", "Q8_0"}, {"output.weight", "Q8_0"}, {"blk.0.attn_q.weight", "Q4_K"},
                   {"blk.0.attn_v.weight", "Q6_K"}, {"blk.0.ffn_down.weight", "Q6_K"},
                   {"blk.2.attn_v.weight", "Q6_K"}}));
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kInt4), choose(kModel, kLayer, Scheme::kQ4_K_M));
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kInt4, Level::kAggressive), choose(kModel, kLayer, Scheme::kQ4_K_S));
  EXPECT_EQ(file_type(Scheme::kInt4, Level::kAggressive), 14U);
  EXPECT_EQ(file_type(Scheme::kInt4, Level::kBalanced), 15U);
}

TEST(TensorChoice, DynamicKeepsBitsInTablesThatAreOnlyLookedUp) {
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kDynamic)["token_embd.weight"], "F16");
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kDynamic)["output.weight"], "Q8_0");
  ModelFacts tied = kModel;
  tied.tied = true;
  EXPECT_EQ(choose(tied, {{"token_embd.weight"}}, Scheme::kDynamic)["token_embd.weight"], "Q8_0");
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kDynamic, Level::kAggressive)["token_embd.weight"], "Q8_0");
  EXPECT_EQ(choose(kModel, kLayer, Scheme::kDynamic, Level::kAggressive)["blk.0.attn_q.weight"], "Q6_K");
}

TEST(TensorChoice, OnlyGoalsHaveLevels) {
  for (const Scheme scheme : {Scheme::kFp16, Scheme::kQ8_0, Scheme::kQ4_K_M, Scheme::kQ4_0}) {
    const auto choices = choose_types(kModel, {}, scheme, Level::kAggressive);
    ASSERT_FALSE(choices.ok());
    EXPECT_EQ(choices.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(choices.error().message.find("aggressive"), std::string::npos);
  }
}

TEST(TensorChoice, RowsThatBlocksDoNotFillGetTheNextTypeAndSaySo) {
  const TensorFacts facts[] = {{.name = "blk.0.attn_q.weight", .dims = {288, 4, 1, 1}, .n_dims = 2},
                               {.name = "blk.0.attn_k.weight", .dims = {172, 4, 1, 1}, .n_dims = 2},
                               {.name = "blk.0.ffn_up.weight", .dims = {512, 4, 1, 1}, .n_dims = 2}};
  const auto k = choose_types(kModel, facts, Scheme::kQ4_K_M, Level::kBalanced);
  ASSERT_TRUE(k.ok());
  EXPECT_EQ((*k)[0].type, TensorType::kQ8_0);
  EXPECT_EQ((*k)[0].why, "rows of 288 are no whole blocks of 256");
  EXPECT_EQ((*k)[1].type, TensorType::kF16);
  EXPECT_EQ((*k)[1].why, "rows of 172 are no whole blocks of 32");
  EXPECT_EQ((*k)[2].type, TensorType::kQ4_K);
  EXPECT_EQ((*k)[2].why, "");
  const auto plain = choose_types(kModel, facts, Scheme::kQ4_0, Level::kBalanced);
  EXPECT_EQ((*plain)[0].type, TensorType::kQ4_0);
  EXPECT_EQ((*plain)[1].type, TensorType::kF16);
}

TEST(TensorChoice, MatricesOfExpertsAreTreatedByTheirUse) {
  const TensorFacts down{.name = "blk.0.ffn_down_exps.weight", .dims = {256, 8, 4, 1}, .n_dims = 3};
  EXPECT_EQ(role_of(down), Role::kDown);
  const TensorFacts up{.name = "blk.12.ffn_up_exps.weight", .dims = {256, 8, 4, 1}, .n_dims = 3};
  EXPECT_EQ(role_of(up), Role::kMatrix);
  EXPECT_EQ(layer_of(up.name), 12);
  EXPECT_EQ(layer_of("blk."), -1);
  EXPECT_EQ(layer_of("blk.3"), -1);
  EXPECT_EQ(layer_of(""), -1);
}

}  // namespace
}  // namespace docmind::quantize
