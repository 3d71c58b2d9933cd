// What tests of models share.
// SPDX-License-Identifier: Apache-2.0
#include "model/model_fixture.h"

#include <algorithm>
#include <cmath>

#include "support/random_blocks.h"

namespace docmind::test {

ModelSpec small_spec(Architecture architecture, kernels::TensorType type) {
  ModelSpec spec;
  spec.architecture = architecture;
  spec.type = type;
  spec.n_ff = 256;
  spec.n_vocab = 320;
  return spec;
}

std::vector<TokenId> random_tokens(int64_t n, int64_t n_vocab, uint64_t seed) {
  Random random(seed);
  std::vector<TokenId> tokens(static_cast<size_t>(n));
  for (TokenId& token : tokens) token = random.between(0, static_cast<int>(n_vocab - 1));
  return tokens;
}

std::unique_ptr<kv::Cache> new_cache(const model::Decoder& decoder, const kv::FormatOptions& format,
                                     size_t budget_bytes) {
  kv::CacheOptions options;
  options.format = format;
  options.budget_bytes = budget_bytes;
  return require(kv::Cache::create(decoder.kv_geometry(), options, *require(kernels::kernel_table_named("auto"))));
}

std::vector<float> all_logits(model::Decoder& decoder, std::span<const TokenId> tokens) {
  const OwnSequence sequence(decoder, static_cast<int64_t>(tokens.size()));
  std::vector<float> logits(tokens.size() * static_cast<size_t>(decoder.config().n_vocab));
  require(decoder.forward(*sequence, tokens, logits));
  return logits;
}

namespace {

template <typename T>
std::vector<double> log_softmax(std::span<const T> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const T logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  std::vector<double> result;
  for (const T logit : logits) result.push_back(static_cast<double>(logit) - largest - std::log(sum));
  return result;
}

}  // namespace

double worst_divergence(std::span<const double> expected, std::span<const float> got, int64_t n_vocab) {
  EXPECT_EQ(expected.size(), got.size());
  double worst = 0;
  const auto n = static_cast<size_t>(n_vocab);
  for (size_t row = 0; row + n <= got.size(); row += n) {
    const auto p = log_softmax(expected.subspan(row, n));
    const auto q = log_softmax(got.subspan(row, n));
    double divergence = 0;
    for (size_t i = 0; i < n; ++i) divergence += std::exp(p[i]) * (p[i] - q[i]);
    if (std::isnan(divergence)) return divergence;
    worst = std::max(worst, divergence);
  }
  return worst;
}

std::vector<double> as_doubles(std::span<const float> values) { return {values.begin(), values.end()}; }

double cosine(std::span<const double> a, std::span<const float> b) {
  double product = 0, a_squares = 0, b_squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += a[i] * b[i];
    a_squares += a[i] * a[i];
    b_squares += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(a_squares * b_squares);
}

}  // namespace docmind::test
