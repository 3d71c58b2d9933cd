// Embeddings and rerank scores of random encoders: ours and llama.cpp's on the same file.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "parity/models.h"

namespace docmind::test {
namespace {

using kernels::TensorType;

// Lengths around the borders of tiles and batches.
const std::vector<int64_t> kLengths = {1, 2, 7, 16, 33, 64, 129};

struct Texts {
  std::vector<std::vector<TokenId>> tokens;

  explicit Texts(int64_t n_vocab) {
    for (const int64_t n : kLengths) tokens.push_back(random_tokens(n, n_vocab, static_cast<uint64_t>(n)));
  }
  [[nodiscard]] std::vector<std::span<const TokenId>> spans() const { return {tokens.begin(), tokens.end()}; }
};

class EncoderParity : public ParityTest {
 protected:
  std::string write(const ModelSpec& spec) {
    const std::string path = require(write_model(spec, folder_.path("model.gguf")));
    oracle().load(path);
    return path;
  }

  static LoadedEncoder load(const std::string& path, const std::string& isa) {
    return LoadedEncoder(require(gguf::File::open(path)), {.max_batch_tokens = 128, .isa = isa});
  }

  // All instruction sets; the texts in one call and one by one.
  void compare_embeddings(const ModelSpec& spec, double limit) {
    const std::string path = write(spec);
    const Texts texts(spec.n_vocab);
    std::vector<std::vector<double>> expected;
    for (const auto& tokens : texts.tokens) expected.push_back(oracle().embed(tokens));
    const auto n = static_cast<size_t>(spec.n_embd);
    double worst = 1;
    for (const std::string& isa : available_isas()) {
      LoadedEncoder encoder = load(path, isa);
      std::vector<float> together(n * texts.tokens.size()), alone(n);
      require(encoder->embed(texts.spans(), false, together));
      for (size_t i = 0; i < texts.tokens.size(); ++i) {
        ASSERT_EQ(expected[i].size(), n);
        const std::span<const TokenId> one[] = {texts.tokens[i]};
        require(encoder->embed(one, false, alone));
        for (const auto& got : {std::span<const float>(together).subspan(i * n, n), std::span<const float>(alone)}) {
          const double found = cosine(expected[i], got);
          EXPECT_GE(found, limit) << isa << ", " << kLengths[i] << " tokens";
          worst = std::min(worst, found);
        }
      }
    }
    report_worst("worst 1 - cosine", 1 - worst);
  }

  // `limit` is a share of the scores' spread.
  void compare_scores(const ModelSpec& spec, double limit) {
    const std::string path = write(spec);
    const Texts texts(spec.n_vocab);
    std::vector<double> expected;
    for (const auto& tokens : texts.tokens) expected.push_back(oracle().rank(tokens));
    const auto [lowest, highest] = std::minmax_element(expected.begin(), expected.end());
    const double spread = *highest - *lowest;
    EXPECT_GE(spread, 1);
    double worst = 0;
    for (const std::string& isa : available_isas()) {
      LoadedEncoder encoder = load(path, isa);
      std::vector<float> scores(texts.tokens.size());
      require(encoder->rank(texts.spans(), scores));
      for (size_t i = 0; i < scores.size(); ++i) {
        const double found = std::abs(scores[i] - expected[i]) / spread;
        EXPECT_LE(found, limit) << isa << ", " << kLengths[i] << " tokens";
        worst = std::max(worst, found);
      }
    }
    report_worst("worst difference of scores, of their spread", worst);
  }

 private:
  TempFolder folder_;
};

class EveryEncoderType : public EncoderParity, public testing::WithParamInterface<TensorType> {};

TEST_P(EveryEncoderType, EmbedsAsLlamaCpp) {
  compare_embeddings({.architecture = Architecture::kBert, .type = GetParam(), .n_kv_heads = 4}, least_cosine(GetParam()));
}

TEST_P(EveryEncoderType, EmbedsAsLlamaCppByTheFirstToken) {
  compare_embeddings({.architecture = Architecture::kBert, .type = GetParam(), .n_kv_heads = 4, .pooling = 2},
                     least_cosine(GetParam()));
}

TEST_P(EveryEncoderType, RanksAsLlamaCpp) {
  compare_scores({.architecture = Architecture::kBert, .type = GetParam(), .n_kv_heads = 4, .pooling = 4, .classifier = true},
                 GetParam() == TensorType::kF32 ? 5e-4 : 0.15);
}

INSTANTIATE_TEST_SUITE_P(Random, EveryEncoderType, testing::ValuesIn(kAllTypes), [](const auto& test) {
  return std::string(kernels::tensor_type_info(test.param).name);
});

// Vectors that are alike whatever the text would make every comparison pass: texts differ by at least
// ten times what quantized models may.
TEST_F(EncoderParity, TheRandomModelsAreWorthComparing) {
  const ModelSpec spec{.architecture = Architecture::kBert, .type = TensorType::kF32, .n_kv_heads = 4};
  write(spec);
  const Texts texts(spec.n_vocab);
  const std::vector<double> last = oracle().embed(texts.tokens.back());
  const std::vector<float> other(last.begin(), last.end());
  for (size_t i = 0; i + 1 < texts.tokens.size(); ++i) EXPECT_LE(cosine(oracle().embed(texts.tokens[i]), other), 0.99);
}

}  // namespace
}  // namespace docmind::test
