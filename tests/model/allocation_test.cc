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

// The bookkeeping of a KV cache without the model: what a pass may allocate, and no more.
void go_on(kv::Sequence& sequence, std::span<const test::TokenId> tokens) {
  test::require(sequence.reserve(static_cast<int64_t>(tokens.size())));
  const int64_t n_layers = sequence.layout().geometry().n_layers;
  for (int64_t layer = 0; sequence.n_due_pages() > 0 && layer < n_layers; ++layer) sequence.prepare_seal(layer);
  sequence.commit(tokens);
}

TEST(AllocationTest, DecodersAllocateNothingAfterLoading) {
  for (const auto architecture : {test::Architecture::kLlama, test::Architecture::kQwen3}) {
    test::ModelSpec spec;
    spec.architecture = architecture;
    spec.tied_output = architecture == test::Architecture::kQwen3;
    test::LoadedDecoder decoder(spec, {.max_batch_tokens = 40});
    const test::OwnSequence sequence(*decoder, 100), twin(*decoder, 100);
    const auto tokens = test::random_tokens(40, spec.n_vocab);
    std::vector<float> one(512), all(40 * 512);
    const auto prompt = allocations_of([&] { test::require(decoder->forward(*sequence, tokens, all)); });
    EXPECT_EQ(prompt, allocations_of([&] { go_on(*twin, tokens); }));
    for (const auto& token : tokens) {
      const auto step = allocations_of([&] { test::require(decoder->forward(*sequence, {&token, 1}, one)); });
      EXPECT_EQ(step, allocations_of([&] { go_on(*twin, {&token, 1}); }));
    }
  }
}

TEST(AllocationTest, PassesOverBatchesAllocateNothing) {
  const test::ModelSpec spec;
  test::LoadedDecoder decoder(spec);
  for (const auto format : {kv::Format::kF16, kv::Format::kInt4, kv::Format::kMixed}) {
    const auto cache = test::new_cache(*decoder, {.format = format});
    const auto twin = test::new_cache(*decoder, {.format = format});
    const auto a = test::require(cache->new_sequence(400)), b = test::require(cache->new_sequence(400));
    const auto twin_a = test::require(twin->new_sequence(400)), twin_b = test::require(twin->new_sequence(400));
    const auto pass = test::require(decoder->new_pass(64));
    const auto tokens = test::random_tokens(64, spec.n_vocab);
    std::vector<float> logits(2 * 512);
    const std::span<float> first = std::span(logits).first(512), second = std::span(logits).last(512);
    for (int i = 0; i < 16; ++i) {  // pages come due on the way
      const bool decode = i % 2 == 1;
      const auto to_a = std::span(tokens).first(decode ? 1 : 33), to_b = std::span(tokens).last(decode ? 1 : 31);
      const model::BatchItem items[] = {{a.get(), to_a, first}, {b.get(), to_b, decode ? second : std::span<float>{}}};
      const auto done = allocations_of([&] {
        test::require(pass->start(items, decode ? model::PassKind::kDecode : model::PassKind::kPrefill));
        while (!pass->advance(1)) continue;
      });
      const auto expected = allocations_of([&] {
        go_on(*twin_a, to_a);
        go_on(*twin_b, to_b);
      });
      EXPECT_EQ(done, expected) << kv::format_name(format) << ", pass " << i;
    }
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
