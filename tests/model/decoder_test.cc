// Decoders against the published formulas, and what a forward pass promises.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/model_fixture.h"
#include "model/reference.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::LoadedDecoder;
using test::ModelRope;
using test::ModelSpec;
using test::TokenId;

constexpr double kExactDivergence = 1e-7;  // float rounding
// A number that lies between two 8-bit codes may be rounded either way, which moves what comes after it;
// bfloat16 attention does so for every number. A wrong formula diverges by more than 0.1.
constexpr double kQuantizedDivergence = 2e-2;

// Small, but with several KV heads, blocks and pieces.
ModelSpec small_spec(Architecture architecture, TensorType type) {
  ModelSpec spec;
  spec.architecture = architecture;
  spec.type = type;
  spec.n_ff = 256;
  spec.n_vocab = 320;
  return spec;
}

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

TEST(DecoderTest, PiecesGiveTheSameLogits) {
  const ModelSpec spec = small_spec(Architecture::kQwen3, TensorType::kF32);
  const auto tokens = test::random_tokens(100, spec.n_vocab);
  LoadedDecoder whole(spec, {.max_batch_tokens = 512});
  const auto expected = test::as_doubles(test::all_logits(*whole, tokens));
  for (const int64_t n : {1, 7, 16, 99}) {
    SCOPED_TRACE(n);
    LoadedDecoder decoder(spec, {.max_batch_tokens = n});
    EXPECT_LE(test::worst_divergence(expected, test::all_logits(*decoder, tokens), spec.n_vocab), kExactDivergence);
  }
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

class PromisesTest : public testing::Test {
 protected:
  static constexpr int64_t kVocabulary = 320;

  std::vector<float> forward(model::Sequence& sequence, std::span<const TokenId> tokens) {
    std::vector<float> logits(kVocabulary);
    test::require(decoder_->forward(sequence, tokens, logits));
    return logits;
  }
  // Expects an error, and that the sequence is as it was.
  Error refuse(model::Sequence& sequence, std::span<const TokenId> tokens, std::span<float> logits) {
    const int64_t n_before = sequence.n_tokens();
    const Status status = decoder_->forward(sequence, tokens, logits);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(sequence.n_tokens(), n_before);
    return status.ok() ? Error{} : status.error();
  }
  std::unique_ptr<model::Sequence> new_sequence(int64_t capacity) {
    return test::require(decoder_->new_sequence(capacity));
  }

  LoadedDecoder decoder_{small_spec(Architecture::kQwen3, TensorType::kF32), {.max_batch_tokens = 16}};
  std::vector<TokenId> tokens_ = test::random_tokens(40, kVocabulary);
};

TEST_F(PromisesTest, LastLogitsAreThoseOfAllLogits) {
  const auto all = test::all_logits(*decoder_, tokens_);
  const auto sequence = new_sequence(40);
  const auto last = forward(*sequence, tokens_);
  const auto expected = test::as_doubles(std::span(all).last(kVocabulary));
  EXPECT_LE(test::worst_divergence(expected, last, kVocabulary), kExactDivergence);
  EXPECT_EQ(sequence->n_tokens(), 40);
}

TEST_F(PromisesTest, WithoutLogitsTheSequenceStillGrows) {
  const auto at_once = new_sequence(40);
  const auto expected = forward(*at_once, tokens_);
  const auto sequence = new_sequence(40);
  test::require(decoder_->forward(*sequence, std::span(tokens_).first(39), {}));
  EXPECT_EQ(sequence->n_tokens(), 39);
  const auto got = forward(*sequence, std::span(tokens_).last(1));
  EXPECT_LE(test::worst_divergence(test::as_doubles(expected), got, kVocabulary), kExactDivergence);
}

TEST_F(PromisesTest, TruncatedSequencesRegenerateEqually) {
  const auto sequence = new_sequence(60);
  test::require(decoder_->forward(*sequence, std::span(tokens_).first(20), {}));
  const auto expected = forward(*sequence, std::span(tokens_).subspan(20, 3));
  forward(*sequence, std::span(tokens_).subspan(30, 10));
  sequence->truncate(20);
  EXPECT_EQ(sequence->n_tokens(), 20);
  EXPECT_EQ(forward(*sequence, std::span(tokens_).subspan(20, 3)), expected);
  sequence->truncate(100);
  EXPECT_EQ(sequence->n_tokens(), 23);
}

TEST_F(PromisesTest, SequencesAreIndependent) {
  const auto a = new_sequence(40), b = new_sequence(40);
  const auto expected = forward(*a, tokens_);
  a->truncate(0);
  forward(*a, std::span(tokens_).first(17));
  forward(*b, std::span(tokens_).last(5));
  test::require(decoder_->forward(*a, std::span(tokens_).subspan(17, 15), {}));  // pieces of 17, 15 and 8
  const auto got = forward(*a, std::span(tokens_).subspan(32));
  EXPECT_LE(test::worst_divergence(test::as_doubles(expected), got, kVocabulary), kExactDivergence);
}

TEST_F(PromisesTest, NothingChangesAfterARefusal) {
  const auto sequence = new_sequence(25);
  const auto expected = forward(*sequence, std::span(tokens_).first(20));
  std::vector<float> logits(kVocabulary);

  const Error full = refuse(*sequence, std::span(tokens_).first(6), logits);
  EXPECT_EQ(full.code, ErrorCode::kLimit);
  EXPECT_EQ(full.message, "6 tokens do not fit a sequence that holds 20 of 25");

  for (const TokenId bad : {-1, 320}) {
    std::vector<TokenId> tokens(3, 5);
    tokens[2] = bad;
    const Error error = refuse(*sequence, tokens, logits);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.message, fmt::format("token 2 has the id {}; the vocabulary has 320", bad));
  }
  logits.resize(kVocabulary + 1);
  EXPECT_NE(refuse(*sequence, std::span(tokens_).first(2), logits).message.find("321 logits"), std::string::npos);
  EXPECT_FALSE(decoder_->forward(*sequence, {}, std::span(logits).first(kVocabulary)).ok());

  sequence->truncate(0);
  EXPECT_EQ(forward(*sequence, std::span(tokens_).first(20)), expected);
}

TEST_F(PromisesTest, NoTokensAreNoWork) {
  const auto sequence = new_sequence(4);
  test::require(decoder_->forward(*sequence, {}, {}));
  EXPECT_EQ(sequence->n_tokens(), 0);
}

TEST_F(PromisesTest, SequencesOfOtherModelsAreRefused) {
  ModelSpec spec = small_spec(Architecture::kQwen3, TensorType::kF32);
  spec.n_layers = 1;
  LoadedDecoder other(spec);
  const auto sequence = test::require(other->new_sequence(10));
  EXPECT_EQ(refuse(*sequence, tokens_, {}).code, ErrorCode::kInvalidArgument);
}

TEST_F(PromisesTest, CapacityIsChecked) {
  for (const int64_t capacity : {int64_t{0}, int64_t{-5}, int64_t{1} << 60}) {
    const auto sequence = decoder_->new_sequence(capacity);
    ASSERT_FALSE(sequence.ok());
    EXPECT_NE(sequence.error().message.find(std::to_string(capacity)), std::string::npos);
  }
  const auto sequence = new_sequence(17);
  EXPECT_EQ(sequence->capacity(), 17);
  // Two blocks of 16 tokens: 2 layers, 2 KV heads, keys and values of 64 halves.
  EXPECT_EQ(sequence->memory_bytes(), 2u * 16 * 2 * 2 * 2 * 64 * 2);
}

TEST_F(PromisesTest, SizesAreThoseOfTheModel) {
  // Per layer q 256 x 256, k and v 128 x 256 each, output 256 x 256, three of 256 x 256.
  EXPECT_EQ(decoder_->macs_per_token(), 2 * (256 * 256 * 5 + 2 * 128 * 256));
  EXPECT_EQ(decoder_->decode_read_bytes(), 4 * (static_cast<size_t>(decoder_->macs_per_token()) + 320 * 256));
  EXPECT_GE(decoder_->weight_bytes(), decoder_->decode_read_bytes());
  EXPECT_LE(decoder_->weight_bytes(), decoder_->decode_read_bytes() + 32768);  // norms
}

}  // namespace
}  // namespace docmind
