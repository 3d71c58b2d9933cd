// A trained model: stories260K tells the story that llama.cpp tells.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "model/model_fixture.h"

namespace docmind {
namespace {

using test::LoadedDecoder;
using test::TokenId;

// Greedy text of llama.cpp from the begin-of-sequence token, 64 tokens.
constexpr std::string_view kStory =
    " Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she "
    "saw a big, red ball. She wanted to play with it, but it was too high.\nLily";

class StoriesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(path_)) GTEST_SKIP() << "there is no '" << path_ << "'";
  }

  LoadedDecoder load(const test::LoadSetup& setup) const {
    return LoadedDecoder(test::require(gguf::File::open(path_)), setup);
  }

  // Continues the begin-of-sequence token; 1 token at a time, or all of them again each time.
  static std::string tell(LoadedDecoder& decoder, int n_tokens, bool from_start) {
    const auto pieces = test::require(test::require(decoder.file().array("tokenizer.ggml.tokens")).strings());
    const test::OwnSequence sequence(*decoder, n_tokens + 1);
    std::vector<TokenId> tokens = {1};
    std::vector<float> logits(static_cast<size_t>(decoder->config().n_vocab));
    std::string story;
    for (int i = 0; i < n_tokens; ++i) {
      if (from_start) sequence->truncate(0);
      test::require(decoder->forward(*sequence, from_start ? std::span(tokens) : std::span(tokens).last(1), logits));
      tokens.push_back(static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin()));
      const std::string_view piece = pieces[static_cast<size_t>(tokens.back())];
      if (piece == "<0x0A>") story += '\n';
      else story += piece;
    }
    for (size_t at = 0; (at = story.find("\u2581")) != std::string::npos;) story.replace(at, 3, " ");
    return story;
  }

  std::string path_ = DOCMIND_SOURCE_DIR "/../shared/data/models/stories260K.gguf";
};

TEST_F(StoriesTest, EachInstructionSetTellsTheStory) {
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni,
                         kernels::Isa::kAvx512Bf16}) {
    if (!kernels::kernel_table(isa).ok()) continue;
    SCOPED_TRACE(kernels::isa_name(isa));
    LoadedDecoder decoder = load({.isa = std::string(kernels::isa_name(isa))});
    EXPECT_EQ(tell(decoder, 64, false), kStory);
  }
}

TEST_F(StoriesTest, WholePassesTellTheStory) {
  LoadedDecoder decoder = load({.max_batch_tokens = 20});
  EXPECT_EQ(tell(decoder, 64, true), kStory);
}

}  // namespace
}  // namespace docmind
