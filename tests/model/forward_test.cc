// What whole forward passes over one sequence promise.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/model_fixture.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::kExactDivergence;
using test::LoadedDecoder;
using test::ModelSpec;
using test::small_spec;
using test::TokenId;

class PromisesTest : public testing::Test {
 protected:
  static constexpr int64_t kVocabulary = 320;

  std::vector<float> forward(kv::Sequence& sequence, std::span<const TokenId> tokens) {
    std::vector<float> logits(kVocabulary);
    test::require(decoder_->forward(sequence, tokens, logits));
    return logits;
  }
  // Expects an error, and that the sequence is as it was.
  Error refuse(kv::Sequence& sequence, std::span<const TokenId> tokens, std::span<float> logits) {
    const int64_t n_before = sequence.n_tokens();
    const Status status = decoder_->forward(sequence, tokens, logits);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(sequence.n_tokens(), n_before);
    return status.ok() ? Error{} : status.error();
  }
  test::OwnSequence new_sequence(int64_t capacity) { return {*decoder_, capacity}; }

  LoadedDecoder decoder_{small_spec(Architecture::kQwen3, TensorType::kF32), {.max_batch_tokens = 16}};
  std::vector<TokenId> tokens_ = test::random_tokens(40, kVocabulary);
};

TEST_F(PromisesTest, LastLogitsAreThoseOfAllLogits) {
  const auto all = test::all_logits(*decoder_, tokens_);
  const auto sequence = new_sequence(40);
  const auto last = forward(*sequence, tokens_);
  EXPECT_TRUE(std::ranges::equal(last, std::span(all).last(kVocabulary)));
  EXPECT_EQ(sequence->n_tokens(), 40);
}

TEST_F(PromisesTest, WithoutLogitsTheSequenceStillGrows) {
  const auto at_once = new_sequence(40);
  const auto expected = forward(*at_once, tokens_);
  const auto sequence = new_sequence(40);
  test::require(decoder_->forward(*sequence, std::span(tokens_).first(39), {}));
  EXPECT_EQ(sequence->n_tokens(), 39);
  const auto got = forward(*sequence, std::span(tokens_).last(1));
  // A single token is a decode pass, which rounds differently.
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
  EXPECT_EQ(got, expected);
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
  const test::OwnSequence sequence(*other, 40);
  const Error error = refuse(*sequence, tokens_, {});
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.message, "the sequence is of 1 layers, 2 KV heads of 64; the model has 2, 2 of 64");
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
