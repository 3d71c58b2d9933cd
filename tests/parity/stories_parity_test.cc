// A trained model, stories260K: the same distributions and the same story as llama.cpp.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "parity/models.h"

namespace docmind::test {
namespace {

const std::string kStories = DOCMIND_SOURCE_DIR "/../shared/data/models/stories260K.gguf";

class StoriesParity : public ParityTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kStories)) GTEST_SKIP() << "'" << kStories << "' is not shipped with the project";
    ParityTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) oracle().load(kStories);
  }

  // BOS and the text.
  std::vector<TokenId> prompt(std::string_view text) {
    std::vector<TokenId> tokens = oracle().tokenize(text, false);
    tokens.insert(tokens.begin(), 1);
    return tokens;
  }

  static LoadedDecoder load(const std::string& isa) {
    return LoadedDecoder(require(gguf::File::open(kStories)), {.isa = isa});
  }
};

const char* const kBeginnings[] = {"Once upon a time", "Lily and Tom went to the park.", "The little dog was sad because"};

std::vector<TokenId> greedy(LoadedDecoder& decoder, std::vector<TokenId> tokens, int64_t n) {
  const kernels::KernelTable& table = *require(kernels::kernel_table_named("auto"));
  const OwnSequence sequence(*decoder, static_cast<int64_t>(tokens.size()) + n);
  std::vector<float> logits(static_cast<size_t>(decoder->config().n_vocab));
  std::vector<TokenId> story;
  while (static_cast<int64_t>(story.size()) < n) {
    require(decoder->forward(*sequence, tokens, logits));
    tokens = {static_cast<TokenId>(table.argmax(logits.data(), decoder->config().n_vocab))};
    story.push_back(tokens[0]);
  }
  return story;
}

TEST_F(StoriesParity, GreedyStoriesAreEqual) {
  for (const char* beginning : kBeginnings) {
    const std::vector<TokenId> tokens = prompt(beginning);
    const std::vector<TokenId> expected = oracle().greedy(tokens, 64);
    for (const std::string& isa : available_isas()) {
      LoadedDecoder decoder = load(isa);
      EXPECT_EQ(greedy(decoder, tokens, 64), expected) << isa << ": " << beginning;
    }
  }
}

TEST_F(StoriesParity, DistributionsAreEqual) {
  std::vector<TokenId> tokens = prompt(kBeginnings[0]);
  const std::vector<TokenId> story = oracle().greedy(tokens, 120);
  tokens.insert(tokens.end(), story.begin(), story.end());
  std::vector<TokenId> positions(tokens.size());
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<TokenId>(i);
  const std::vector<double> expected = oracle().logits(tokens, positions);
  double worst = 0;
  for (const std::string& isa : available_isas()) {
    LoadedDecoder decoder = load(isa);
    const double found = worst_divergence(expected, all_logits(*decoder, tokens), decoder->config().n_vocab);
    EXPECT_LE(found, largest_divergence(kernels::TensorType::kF32)) << isa;
    worst = std::max(worst, found);
  }
  report_worst("worst KL", worst);
}

}  // namespace
}  // namespace docmind::test
