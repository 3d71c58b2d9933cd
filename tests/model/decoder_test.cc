// Decoders against the published formulas.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/model_fixture.h"
#include "model/reference.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::kExactDivergence;
using test::LoadedDecoder;
using test::ModelRope;
using test::ModelSpec;
using test::small_spec;

// A number that lies between two 8-bit codes may be rounded either way, which moves what comes after it;
// bfloat16 attention does so for every number. A wrong formula diverges by more than 0.1.
constexpr double kQuantizedDivergence = 2e-2;

void expect_reference(const ModelSpec& spec, double divergence, const test::LoadSetup& setup = {}) {
  LoadedDecoder decoder(spec, setup);
  const auto tokens = test::random_tokens(27, spec.n_vocab);
  const auto expected = test::reference_logits(decoder.file(), decoder->config(), tokens);
  EXPECT_LE(test::worst_divergence(expected, test::all_logits(*decoder, tokens), spec.n_vocab), divergence);
}

TEST(DecoderTest, EachArchitectureIsItsFormula) {
  for (const auto architecture : {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3}) {
    SCOPED_TRACE(static_cast<int>(architecture));
    expect_reference(small_spec(architecture, TensorType::kF32), kExactDivergence);
  }
}

TEST(DecoderTest, EachInstructionSetComputesTheFormula) {
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni,
                         kernels::Isa::kAvx512Bf16}) {
    if (!kernels::kernel_table(isa).ok()) continue;
    const test::LoadSetup setup{.isa = std::string(kernels::isa_name(isa))};
    SCOPED_TRACE(setup.isa);
    expect_reference(small_spec(Architecture::kQwen3, TensorType::kF32), kExactDivergence, setup);
    expect_reference(small_spec(Architecture::kQwen3, TensorType::kQ8_0), kQuantizedDivergence, setup);
  }
}

TEST(DecoderTest, EachRopeScalingIsItsFormula) {
  for (const auto architecture : {Architecture::kLlama, Architecture::kQwen3}) {
    for (const auto rope : {ModelRope::kLinear, ModelRope::kYarn, ModelRope::kLlama3}) {
      SCOPED_TRACE(static_cast<int>(rope));
      ModelSpec spec = small_spec(architecture, TensorType::kF32);
      spec.rope = rope;
      expect_reference(spec, kExactDivergence);
    }
  }
}

TEST(DecoderTest, EachTensorTypeIsItsFormula) {
  for (const auto type : {TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K,
                          TensorType::kQ6_K}) {
    SCOPED_TRACE(static_cast<int>(type));
    expect_reference(small_spec(Architecture::kLlama, type), kQuantizedDivergence);
  }
}

TEST(DecoderTest, MixedTypesReadOneInputInTwoForms) {
  ModelSpec spec = test::with_mixed_types(small_spec(Architecture::kQwen3, TensorType::kQ4_K));
  expect_reference(spec, kQuantizedDivergence);
  spec.type_of = [](std::string_view name) -> std::optional<TensorType> {
    if (name.ends_with("attn_v.weight") || name.ends_with("ffn_up.weight")) return TensorType::kF16;
    return std::nullopt;
  };
  expect_reference(spec, kQuantizedDivergence);
}

TEST(DecoderTest, UntiedAndSplitModelsAreRead) {
  ModelSpec spec = small_spec(Architecture::kLlama, TensorType::kF32);
  spec.tied_output = false;
  spec.n_files = 3;
  expect_reference(spec, kExactDivergence);
}

// Widths that no panel, tile or vector divides.
TEST(DecoderTest, OddShapesAreRead) {
  ModelSpec spec = small_spec(Architecture::kLlama, TensorType::kF32);
  spec.n_embd = 60;
  spec.n_heads = 6;
  spec.n_kv_heads = 3;
  spec.head_dim = 10;
  spec.n_ff = 131;
  spec.n_vocab = 321;
  expect_reference(spec, kExactDivergence);
}

// Heads wider or narrower than n_embd / n_heads, as Qwen3 has.
TEST(DecoderTest, HeadWidthIsIndependentOfModelWidth) {
  ModelSpec spec = small_spec(Architecture::kQwen3, TensorType::kF32);
  spec.n_embd = 96;
  spec.head_dim = 64;
  expect_reference(spec, kExactDivergence);
}

TEST(DecoderTest, ThreadsChangeNothing) {
  const ModelSpec spec = small_spec(Architecture::kQwen3, TensorType::kQ8_0);
  const auto tokens = test::random_tokens(100, spec.n_vocab);
  LoadedDecoder alone(spec, {.n_threads = 1});
  const auto expected = test::all_logits(*alone, tokens);
  for (const size_t n : {2, 5}) {
    LoadedDecoder decoder(spec, {.n_threads = n});
    EXPECT_EQ(test::all_logits(*decoder, tokens), expected) << n;
  }
}

}  // namespace
}  // namespace docmind
