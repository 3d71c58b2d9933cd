// A forward pass allocates nothing: every operator new of this binary is counted.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/allocation_count.h"
#include "model/model_fixture.h"

namespace docmind {
namespace {

template <typename Call>
int64_t allocations_of(Call&& call) {
  const int64_t before = test::n_allocations();
  call();
  return test::n_allocations() - before;
}

TEST(AllocationTest, TheCounterCounts) {
  std::unique_ptr<int> number;
  EXPECT_EQ(allocations_of([&] { number = std::make_unique<int>(1); }), 1);
  EXPECT_EQ(*number, 1);
}

TEST(AllocationTest, DecodersAllocateNothingAfterLoading) {
  for (const auto architecture : {test::Architecture::kLlama, test::Architecture::kQwen3}) {
    test::ModelSpec spec;
    spec.architecture = architecture;
    spec.tied_output = architecture == test::Architecture::kQwen3;
    test::LoadedDecoder decoder(spec, {.max_batch_tokens = 16});
    const test::OwnSequence sequence(*decoder, 100);
    const auto tokens = test::random_tokens(40, spec.n_vocab);
    std::vector<float> one(512), all(40 * 512);
    EXPECT_EQ(allocations_of([&] { test::require(decoder->forward(*sequence, tokens, all)); }), 0);
    EXPECT_EQ(allocations_of([&] {
                for (const auto token : tokens) test::require(decoder->forward(*sequence, {&token, 1}, one));
              }), 0);
    sequence->truncate(0);
    EXPECT_EQ(allocations_of([&] { test::require(decoder->forward(*sequence, tokens, {})); }), 0);
  }
}

TEST(AllocationTest, PassesOverBatchesAllocateNothing) {
  const test::ModelSpec spec;
  test::LoadedDecoder decoder(spec);
  for (const auto format : {kv::Format::kF16, kv::Format::kInt4, kv::Format::kMixed}) {
    const auto cache = test::new_cache(*decoder, {.format = format});
    const auto a = test::require(cache->new_sequence(400)), b = test::require(cache->new_sequence(400));
    const auto prompts = test::require(decoder->new_pass(64)), steps = test::require(decoder->new_pass(2));
    const auto tokens = test::random_tokens(64, spec.n_vocab);
    std::vector<float> logits(2 * 512);
    const std::span<float> first = std::span(logits).first(512), second = std::span(logits).last(512);
    const model::BatchItem prompt[] = {{a.get(), std::span(tokens).first(33), first},
                                       {b.get(), std::span(tokens).last(31), {}}};
    const model::BatchItem step[] = {{a.get(), {&tokens[0], 1}, first}, {b.get(), {&tokens[1], 1}, second}};
    EXPECT_EQ(allocations_of([&] {
                for (int i = 0; i < 8; ++i) {  // pages come due on the way
                  test::require(prompts->start(prompt, model::PassKind::kPrefill));
                  while (!prompts->advance(1)) continue;
                  test::require(steps->start(step, model::PassKind::kDecode));
                  steps->advance(1);
                  steps->abandon();
                  test::require(steps->start(step, model::PassKind::kDecode));
                  steps->advance(spec.n_layers);
                }
              }), 0) << kv::format_name(format);
  }
}

TEST(AllocationTest, EncodersAllocateNothingAfterTheLongestSequence) {
  test::ModelSpec spec;
  spec.architecture = test::Architecture::kBert;
  spec.n_kv_heads = spec.n_heads;
  spec.classifier = true;
  test::LoadedEncoder encoder(spec, {.max_batch_tokens = 32});
  const auto a = test::random_tokens(90, spec.n_vocab), b = test::random_tokens(20, spec.n_vocab);
  const std::vector<std::span<const test::TokenId>> texts = {a, b, b, b};
  std::vector<float> rows(4 * 256), scores(4);
  EXPECT_GT(allocations_of([&] { test::require(encoder->embed(texts, true, rows)); }), 0);  // grows
  EXPECT_EQ(allocations_of([&] { test::require(encoder->embed(texts, true, rows)); }), 0);
  EXPECT_EQ(allocations_of([&] { test::require(encoder->rank(texts, scores)); }), 0);
}

}  // namespace
}  // namespace docmind
