// Forward passes over batches: to the last bit, a sequence's logits are those it has alone.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/batch_fixture.h"

namespace docmind {
namespace {

using kernels::TensorType;
using kv::Format;
using model::PassKind;
using test::Architecture;
using test::Batch;
using test::Logits;
using test::TokenId;

struct Case {
  TensorType type;
  Format format;
  std::string isa = "auto";
};

std::string case_name(const testing::TestParamInfo<Case>& test) {
  return fmt::format("{}_{}_{}", kernels::tensor_type_info(test.param.type).name, kv::format_name(test.param.format),
                     test.param.isa);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const TensorType type : {TensorType::kF32, TensorType::kQ8_0, TensorType::kQ4_K}) {
    for (const Format format : {Format::kF16, Format::kInt8, Format::kInt4, Format::kMixed}) {
      all.push_back({type, format});
    }
  }
  for (const TensorType type : {TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0, TensorType::kQ5_K,
                                TensorType::kQ6_K}) {
    all.push_back({type, Format::kF16});
  }
  for (const auto isa : {kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni}) {
    if (!kernels::kernel_table(isa).ok()) continue;
    for (const TensorType type : {TensorType::kF32, TensorType::kQ8_0}) {
      for (const Format format : {Format::kF16, Format::kMixed}) {
        all.push_back({type, format, std::string(kernels::isa_name(isa))});
      }
    }
  }
  return all;
}

// Sequences are so long that pages are sealed and read.
class EveryCase : public testing::TestWithParam<Case> {
 protected:
  Batch batch_{test::small_spec(Architecture::kQwen3, GetParam().type), GetParam().format, GetParam().isa};
};

INSTANTIATE_TEST_SUITE_P(Batch, EveryCase, testing::ValuesIn(cases()), case_name);

TEST_P(EveryCase, PiecesChangeNothing) {
  const auto tokens = test::random_tokens(400, Batch::kVocabulary);
  const Logits expected = batch_.prefill(*batch_.sequence(), tokens, 400, tokens.size());
  for (const int64_t piece : {1, 7, 64, 100}) {
    EXPECT_EQ(batch_.prefill(*batch_.sequence(), tokens, piece, tokens.size()), expected) << piece;
  }
}

TEST_P(EveryCase, PromptsTogetherAreAsAlone) {
  std::vector<std::vector<TokenId>> prompts;
  std::vector<Logits> expected;
  for (const int64_t n : {150, 1, 17, 333}) {
    prompts.push_back(test::random_tokens(n, Batch::kVocabulary, static_cast<uint64_t>(n)));
    expected.push_back(batch_.prefill(*batch_.sequence(), prompts.back(), n, 1));
  }
  std::vector<test::SequencePtr> sequences;
  std::vector<Logits> got(prompts.size(), Logits(Batch::kVocabulary));
  std::vector<model::BatchItem> items;
  for (size_t i = 0; i < prompts.size(); ++i) {
    sequences.push_back(batch_.sequence());
    items.push_back({sequences[i].get(), prompts[i], got[i]});
  }
  batch_.run(items, PassKind::kPrefill);
  EXPECT_EQ(got, expected);
}

// The third sequence seals its second page on the way, the fourth its first.
TEST_P(EveryCase, SequencesDecodeTogetherAsAlone) {
  const std::vector<int64_t> lengths = {3, 100, 318, 254, 16};
  constexpr int64_t kSteps = 5;
  const auto expected = batch_.decode_alone(lengths, kSteps);
  EXPECT_EQ(batch_.decode_together(lengths, kSteps), expected);
}

// While a prompt is computed layer by layer, others decode.
TEST_P(EveryCase, PausedPromptsChangeNothing) {
  const std::vector<int64_t> lengths = {253, 40};
  const auto prompts = std::vector{test::random_tokens(330, Batch::kVocabulary, 7),
                                   test::random_tokens(66, Batch::kVocabulary, 8)};
  std::vector<Logits> expected;
  for (const auto& prompt : prompts) expected.push_back(batch_.prefill(*batch_.sequence(), prompt, 400, 1));
  const auto expected_steps = batch_.decode_alone(lengths, 4);

  std::vector<Logits> got(2, Logits(Batch::kVocabulary));
  std::vector<test::SequencePtr> sequences;
  std::vector<std::unique_ptr<model::ForwardPass>> passes;
  for (size_t i = 0; i < prompts.size(); ++i) {
    sequences.push_back(batch_.sequence());
    passes.push_back(batch_.pass());
    const model::BatchItem item{sequences[i].get(), prompts[i], got[i]};
    test::require(passes[i]->start({&item, 1}, PassKind::kPrefill));
  }
  const auto steps = batch_.decode_together(lengths, 4, [&](int64_t step) {
    if (step % 2 == 0) passes[0]->advance(1);
    passes[1]->advance(1);
  });
  EXPECT_EQ(steps, expected_steps);
  for (const auto& pass : passes) EXPECT_EQ(pass->n_layers_left(), 0);
  EXPECT_EQ(got, expected);
}

TEST_P(EveryCase, AnAbandonedPassLeavesNothing) {
  const auto tokens = test::random_tokens(350, Batch::kVocabulary, 3);
  const auto other = test::random_tokens(100, Batch::kVocabulary, 4);
  for (const int64_t n : {int64_t{70}, int64_t{250}}) {  // both within a block; pages come due after the second
    const auto first = std::span(tokens).first(static_cast<size_t>(n));
    const auto rest = std::span(tokens).subspan(static_cast<size_t>(n));
    const auto undisturbed = batch_.sequence();
    batch_.prefill(*undisturbed, first, 400, 1);
    const Logits expected = batch_.prefill(*undisturbed, rest, 400, rest.size());

    const auto sequence = batch_.sequence();
    batch_.prefill(*sequence, first, 400, 1);
    const auto pass = batch_.pass();
    for (const int64_t n_layers : {0, 1}) {
      const model::BatchItem item{sequence.get(), other, {}};
      test::require(pass->start({&item, 1}, PassKind::kPrefill));
      EXPECT_FALSE(pass->advance(n_layers));
      pass->abandon();
      EXPECT_EQ(pass->n_layers_left(), 0);
      EXPECT_EQ(sequence->n_tokens(), n);
    }
    EXPECT_EQ(batch_.prefill(*sequence, rest, 400, rest.size()), expected) << n;
  }
}

// The two kinds round differently, and no more than that.
TEST_P(EveryCase, DecodingIsCloseToPrefill) {
  const auto tokens = test::random_tokens(300, Batch::kVocabulary, 5);
  const auto expected = batch_.prefill(*batch_.sequence(), tokens, 400, tokens.size());
  const auto sequence = batch_.sequence();
  batch_.prefill(*sequence, std::span(tokens).first(250), 400, 1);
  Logits got;
  for (size_t i = 250; i < tokens.size(); ++i) {
    const Logits one = batch_.decode(*sequence, tokens[i]);
    got.insert(got.end(), one.begin(), one.end());
  }
  const auto last = test::as_doubles(std::span(expected).last(got.size()));
  EXPECT_LE(test::worst_divergence(last, got, Batch::kVocabulary), 2e-2);
}

}  // namespace
}  // namespace docmind
