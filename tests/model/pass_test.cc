// What a forward pass over several sequences refuses, and which logits it gives.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "model/batch_fixture.h"

namespace docmind {
namespace {

using kernels::TensorType;
using kv::Format;
using model::BatchItem;
using model::PassKind;
using test::Architecture;
using test::Batch;
using test::Logits;
using test::TokenId;

class PassTest : public testing::Test {
 protected:
  // Expects an error of this code, and that nothing is open.
  std::string refuse(std::span<const BatchItem> items, PassKind kind, ErrorCode code = ErrorCode::kInvalidArgument) {
    const Status status = pass_->start(items, kind);
    EXPECT_EQ(pass_->n_layers_left(), 0);
    if (status.ok()) return "there was no error";
    EXPECT_EQ(status.error().code, code);
    return status.error().message;
  }

  Batch batch_{test::small_spec(Architecture::kQwen3, TensorType::kF32), Format::kF16};
  std::unique_ptr<model::ForwardPass> pass_ = test::require(batch_.decoder().new_pass(20));
  std::vector<TokenId> tokens_ = test::random_tokens(21, Batch::kVocabulary);
};

TEST_F(PassTest, SizesOfPassesAreChecked) {
  EXPECT_EQ(pass_->max_tokens(), 20);
  for (const int64_t n : {int64_t{-1}, int64_t{0}, Batch::kMaxTokens + 1}) {
    const auto pass = batch_.decoder().new_pass(n);
    ASSERT_FALSE(pass.ok());
    EXPECT_EQ(pass.error().message, "a pass takes 1 to 512 tokens, not " + std::to_string(n));
  }
}

TEST_F(PassTest, WrongItemsAreNamed) {
  const auto a = batch_.sequence(), b = batch_.sequence();
  const auto few = std::span(tokens_).first(3), one = std::span(tokens_).first(1);
  const BatchItem good{a.get(), few, {}};
  const auto refuse_second = [&](const BatchItem& bad) {
    const std::vector<BatchItem> items = {good, bad};
    return refuse(items, PassKind::kPrefill);
  };
  EXPECT_EQ(refuse({}, PassKind::kPrefill), "a pass of 1 to 20 tokens was asked for 0");
  EXPECT_EQ(refuse_second({b.get(), std::span(tokens_).first(18), {}}), "a pass of 1 to 20 tokens was asked for 21");
  EXPECT_EQ(refuse_second({a.get(), one, {}}), "item 1 of 2: its sequence is that of item 0");
  EXPECT_EQ(refuse_second({nullptr, one, {}}), "item 1 of 2: there is no sequence");
  EXPECT_EQ(refuse_second({b.get(), {}, {}}), "item 1 of 2: 0 tokens were given; a prefill pass takes one or more");
  EXPECT_EQ(refuse({&good, 1}, PassKind::kDecode), "3 tokens were given; a decode pass takes one");
  const TokenId bad = 320;
  EXPECT_EQ(refuse_second({b.get(), {&bad, 1}, {}}), "item 1 of 2: token 0 has the id 320; the vocabulary has 320");
  Logits logits(321);
  EXPECT_NE(refuse_second({b.get(), few, logits}).find("item 1 of 2: 321 logits were asked for 3 tokens"),
            std::string::npos);
  test::ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kF32);
  spec.n_layers = 3;
  test::LoadedDecoder other(spec);
  const test::OwnSequence strange(*other, 10);
  EXPECT_NE(refuse_second({&*strange, one, {}}).find("the sequence is of 3 layers"), std::string::npos);
  EXPECT_EQ(a->n_tokens(), 0);
}

TEST_F(PassTest, OneIsOpenAtATime) {
  const auto a = batch_.sequence(), b = batch_.sequence();
  EXPECT_TRUE(pass_->advance(5));
  const BatchItem second{b.get(), std::span(tokens_).first(4), {}};
  const BatchItem small{a.get(), std::span(tokens_).first(4), {}};
  test::require(pass_->start({&small, 1}, PassKind::kPrefill));
  EXPECT_EQ(pass_->n_layers_left(), 2);
  const Status status = pass_->start({&second, 1}, PassKind::kPrefill);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "a forward pass is still open");
  EXPECT_FALSE(pass_->advance(1));
  EXPECT_EQ(pass_->n_layers_left(), 1);
  EXPECT_EQ(a->n_tokens(), 0);
  EXPECT_TRUE(pass_->advance(100));
  EXPECT_EQ(a->n_tokens(), 4);
}

// The last sequence finds no room: those before it are as they were.
TEST_F(PassTest, NothingIsOpenWhenRoomIsMissing) {
  const auto a = batch_.sequence(), b = batch_.sequence(), undisturbed = batch_.sequence(), full = batch_.sequence(2);
  const auto one = std::span(tokens_).first(1), few = std::span(tokens_).first(7);
  const Logits expected = batch_.prefill(*undisturbed, tokens_, 512, 1);
  batch_.prefill(*a, few, 512, 1);
  const std::vector<BatchItem> items = {
      {a.get(), few, {}}, {b.get(), one, {}}, {full.get(), std::span(tokens_).first(3), {}}};
  EXPECT_NE(refuse(items, PassKind::kPrefill, ErrorCode::kLimit).find("item 2 of 3: "), std::string::npos);
  EXPECT_EQ(a->n_tokens(), 7);
  EXPECT_EQ(b->n_tokens(), 0);
  EXPECT_EQ(batch_.prefill(*a, std::span(tokens_).subspan(7), 512, 1), expected);
}

// Of each item none, the last or all logits; the rows are gathered for the last layer.
TEST_F(PassTest, LogitsAreGivenAsTheyAreAskedFor) {
  const auto prompt = [](int64_t n) { return test::random_tokens(n, Batch::kVocabulary, static_cast<uint64_t>(n)); };
  const std::vector<std::vector<TokenId>> prompts = {prompt(10), prompt(20), prompt(5), prompt(1), prompt(30)};
  const size_t n_rows[] = {0, 1, 5, 1, 30};
  std::vector<Logits> got, expected;
  std::vector<test::SequencePtr> sequences;
  std::vector<BatchItem> items;
  for (size_t i = 0; i < prompts.size(); ++i) {
    got.emplace_back(n_rows[i] * Batch::kVocabulary);
    sequences.push_back(batch_.sequence());
    expected.push_back(batch_.prefill(*batch_.sequence(), prompts[i], 512, n_rows[i]));
  }
  for (size_t i = 0; i < prompts.size(); ++i) items.push_back({sequences[i].get(), prompts[i], got[i]});
  batch_.run(items, PassKind::kPrefill);
  EXPECT_EQ(got, expected);
  // All have their keys and values, wanted or not.
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto alone = batch_.sequence();
    batch_.prefill(*alone, prompts[i], 512, 1);
    EXPECT_EQ(batch_.decode(*sequences[i], 7), batch_.decode(*alone, 7)) << i;
  }
}

TEST_F(PassTest, DecodesWithoutLogitsStillStoreTheirTokens) {
  const std::vector<TokenId> steps = {5, 9, 11};
  std::vector<test::SequencePtr> sequences;
  std::vector<Logits> expected;
  for (size_t i = 0; i < 3; ++i) {
    sequences.push_back(batch_.sequence());
    const auto alone = batch_.sequence();
    for (kv::Sequence* sequence : {sequences[i].get(), alone.get()}) batch_.prefill(*sequence, tokens_, 512, 1);
    batch_.decode(*alone, steps[i]);
    expected.push_back(batch_.decode(*alone, 2));
  }
  Logits middle(Batch::kVocabulary);
  std::vector<BatchItem> items;
  for (size_t i = 0; i < 3; ++i) items.push_back({sequences[i].get(), {&steps[i], 1}, {}});
  items[1].logits = middle;
  batch_.run(items, PassKind::kDecode);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(batch_.decode(*sequences[i], 2), expected[i]) << i;
}

// Outputs of many columns are written in parts to buffers that lie apart, by several threads.
TEST(WideVocabulary, LogitsOfABatchAreThoseAlone) {
  test::ModelSpec spec = test::small_spec(Architecture::kLlama, TensorType::kQ8_0);
  spec.n_vocab = 5003;
  test::LoadedDecoder decoder(spec, {.max_batch_tokens = 8, .n_threads = 3});
  const auto cache = test::new_cache(*decoder);
  const auto pass = test::require(decoder->new_pass(8));
  std::vector<test::SequencePtr> sequences;
  std::vector<Logits> got(7, Logits(5003)), expected = got;
  std::vector<BatchItem> items;
  const std::vector<TokenId> tokens = {1, 500, 5002, 77, 1234, 4999, 3};
  for (size_t i = 0; i < tokens.size(); ++i) {
    sequences.push_back(test::require(cache->new_sequence(10)));
    items.push_back({sequences[i].get(), {&tokens[i], 1}, got[i]});
    const auto alone = test::require(cache->new_sequence(10));
    const BatchItem item{alone.get(), {&tokens[i], 1}, expected[i]};
    test::require(pass->start({&item, 1}, PassKind::kDecode));
    pass->advance(2);
  }
  test::require(pass->start(items, PassKind::kDecode));
  pass->advance(2);
  EXPECT_EQ(got, expected);
}

// All query heads share one KV head, more than can be computed in place.
TEST(ManyQueryHeads, DecodingIsCloseToPrefill) {
  test::ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kF32);
  spec.n_heads = 20;
  spec.n_kv_heads = 1;
  spec.head_dim = 32;
  Batch batch(spec, Format::kInt8);
  const auto tokens = test::random_tokens(301, Batch::kVocabulary);
  const Logits expected = batch.prefill(*batch.sequence(), tokens, 512, 1);
  const auto sequence = batch.sequence();
  batch.prefill(*sequence, std::span(tokens).first(300), 512, 1);
  const Logits got = batch.decode(*sequence, tokens[300]);
  EXPECT_LE(test::worst_divergence(test::as_doubles(expected), got, Batch::kVocabulary), test::kExactDivergence);
}

}  // namespace
}  // namespace docmind
