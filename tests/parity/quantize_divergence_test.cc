// A trained model with our blocks strays less from the original than with blocks of llama.cpp's quantizer.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/aligned_buffer.h"
#include "parity/ggml_quantizer.h"
#include "parity/models.h"

namespace docmind::test {
namespace {

using kernels::TensorType;

const std::string kModel = DOCMIND_SOURCE_DIR "/../shared/data/models/stories260K.gguf";
constexpr int64_t kCols = 256;  // the model's rows are shorter than K types' blocks: several make one
constexpr int kTexts = 12;
constexpr size_t kTextTokens = 160;

std::vector<std::byte> our_blocks(TensorType type, const float* x, int64_t n_rows) {
  const kernels::KernelTable& table = *require(kernels::kernel_table(kernels::best_isa()));
  const AlignedBuffer scratch = require(AlignedBuffer::allocate(kernels::quantize_scratch_bytes(kCols)));
  std::vector<std::byte> blocks(row_bytes(kernels::tensor_type_info(type), kCols) * static_cast<size_t>(n_rows));
  EXPECT_TRUE(table.quantize_rows({.type = type, .x = x, .n_rows = n_rows, .cols = kCols, .out = blocks.data()},
                                  scratch.as<std::byte>().data()));
  return blocks;
}

// Texts that the model writes itself, drawn from its distributions.
class QuantizeDivergence : public testing::TestWithParam<TensorType> {
 protected:
  void SetUp() override {
    if (!peer_.usable()) GTEST_SKIP() << "llama.cpp's quantizer is not installed: " << peer_.error();
    if (!std::filesystem::exists(kModel)) GTEST_SKIP() << "'" << kModel << "' is not shipped with the project";
    std::ifstream in(kModel, std::ios::binary);
    file_.assign(std::istreambuf_iterator<char>(in), {});
    LoadedDecoder original(require(gguf::File::open(kModel)), {});
    for (uint32_t seed = 1; seed <= kTexts; ++seed) texts_.push_back(write_text(original, seed));
    for (const auto& text : texts_) expected_.push_back(as_doubles(all_logits(*original, text)));
  }

  static std::vector<TokenId> write_text(LoadedDecoder& decoder, uint32_t seed) {
    const OwnSequence sequence(*decoder, kTextTokens);
    std::vector<float> logits(static_cast<size_t>(decoder->config().n_vocab));
    std::mt19937 random(seed);
    std::vector<TokenId> text = {1};
    while (text.size() < kTextTokens) {
      require(decoder->forward(*sequence, {&text.back(), 1}, logits));
      std::vector<double> weights;
      for (const float logit : logits) weights.push_back(std::exp(static_cast<double>(logit)));
      text.push_back(static_cast<TokenId>(std::discrete_distribution<int>(weights.begin(), weights.end())(random)));
    }
    return text;
  }

  // The mean divergence when each matrix of the layers holds what its blocks do.
  template <typename Quantize>
  double divergence(Quantize quantize) {
    std::string changed = file_;
    const gguf::File original = require(gguf::File::open(kModel));
    for (const gguf::TensorInfo& tensor : original.tensors()) {
      const int64_t n = tensor.n_elements();
      if (tensor.n_dims != 2 || !tensor.name.starts_with("blk.") || n % kCols != 0) continue;
      const auto* x = reinterpret_cast<const float*>(tensor.data.data());
      const std::string_view bytes(reinterpret_cast<const char*>(x), tensor.data.size());
      const size_t at = file_.find(bytes);
      EXPECT_NE(at, std::string::npos);
      std::vector<float> y(static_cast<size_t>(n));
      kernels::dequantize_row(GetParam(), quantize(x, n / kCols).data(), n, y.data());
      std::memcpy(changed.data() + at, y.data(), bytes.size());
    }
    const std::string path = folder_.path("changed.gguf");
    std::ofstream(path, std::ios::binary) << changed;
    LoadedDecoder decoder(require(gguf::File::open(path)), {});
    double sum = 0;
    for (size_t i = 0; i < texts_.size(); ++i) {
      sum += mean_divergence(expected_[i], all_logits(*decoder, texts_[i]), decoder->config().n_vocab);
    }
    return sum / static_cast<double>(texts_.size());
  }

  GgmlQuantizer peer_;

 private:
  TempFolder folder_;
  std::string file_;
  std::vector<std::vector<TokenId>> texts_;
  std::vector<std::vector<double>> expected_;
};

TEST_P(QuantizeDivergence, IsNoLargerThanWithLlamaCppsBlocks) {
  const TensorType type = GetParam();
  const double ours = divergence([&](const float* x, int64_t n_rows) { return our_blocks(type, x, n_rows); });
  const double peers = divergence([&](const float* x, int64_t n_rows) {
    std::vector<std::byte> blocks;
    peer_.quantize(type, x, n_rows, kCols, nullptr, blocks);
    return blocks;
  });
  report_worst("mean KL / llama.cpp's", ours / peers);
  EXPECT_GT(peers, 1e-5);
  EXPECT_LE(ours, peers);
}

INSTANTIATE_TEST_SUITE_P(All, QuantizeDivergence,
                         testing::Values(TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K,
                                         TensorType::kQ6_K),
                         [](const auto& type) { return std::string(kernels::tensor_type_info(type.param).name); });

}  // namespace
}  // namespace docmind::test
