// Scales that move from keys to queries: the same logits, keys of size one.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernels/half.h"
#include "model/model_edit.h"

namespace docmind {
namespace {

using kernels::TensorType;
using test::Architecture;
using test::LoadedDecoder;
using test::ModelSpec;
using test::TokenId;

// Gains of keys as trained models have them: most about one, some channels 64 times as large or small.
float key_gain(int64_t layer, int64_t channel) {
  const float usual = 0.75f + 0.05f * static_cast<float>(channel % 11);
  if (channel % 32 == 3 + layer) return 64 * usual;
  if (channel % 32 == 17) return usual / 64;
  return usual;
}

class KeyScalesTest : public testing::Test {
 protected:
  static gguf::File open(const ModelSpec& spec, const test::TempFolder& folder) {
    test::ModelEdit edit;
    for (int64_t layer = 0; layer < spec.n_layers; ++layer) {
      edit.tensors.push_back(test::float_tensor(
          fmt::format("blk.{}.attn_k_norm.weight", layer), 1, spec.head_dim,
          [layer](int64_t, int64_t channel) { return key_gain(layer, channel); }));
    }
    return test::open_edited_model(spec, edit, folder);
  }

  // The root mean square of each channel of the stored keys of a layer, all KV heads together.
  static std::vector<double> key_sizes(const kv::Sequence& sequence, const kv::Geometry& geometry, int64_t layer) {
    const kernels::KvView view = sequence.view(layer);
    std::vector<double> sizes(static_cast<size_t>(geometry.head_dim));
    for (int64_t token = 0; token < sequence.n_tokens(); ++token) {
      for (int64_t head = 0; head < geometry.n_kv_heads; ++head) {
        const std::byte* at = view.blocks[token / kernels::kKvBlockTokens] +
                              static_cast<size_t>(head) * view.head_stride + view.k_offset;
        const auto* key = reinterpret_cast<const kernels::Half*>(at) +
                          token % kernels::kKvBlockTokens * geometry.head_dim;
        for (size_t c = 0; c < sizes.size(); ++c) sizes[c] += std::pow(kernels::half_to_float(key[c]), 2);
      }
    }
    for (double& size : sizes) size = std::sqrt(size / static_cast<double>(sequence.n_tokens() * geometry.n_kv_heads));
    return sizes;
  }

  test::TempFolder folder_;
  std::vector<TokenId> tokens_ = test::random_tokens(60, 320);
};

// Scaling by powers of two is exact, but for keys below the normal numbers of Half.
TEST_F(KeyScalesTest, LogitsStayWhatTheyAre) {
  for (const TensorType type : {TensorType::kF32, TensorType::kQ8_0}) {
    const ModelSpec spec = test::small_spec(Architecture::kQwen3, type);
    LoadedDecoder with(open(spec, folder_), {}), without(open(spec, folder_), {.fold_key_scales = false});
    const auto expected = test::as_doubles(test::all_logits(*without, tokens_));
    EXPECT_LE(test::worst_divergence(expected, test::all_logits(*with, tokens_), spec.n_vocab), test::kExactDivergence);
  }
}

TEST_F(KeyScalesTest, StoredKeysAreOfSizeOne) {
  const ModelSpec spec = test::small_spec(Architecture::kQwen3, TensorType::kF32);
  for (const bool fold : {true, false}) {
    LoadedDecoder decoder(open(spec, folder_), {.fold_key_scales = fold});
    const test::OwnSequence sequence(*decoder, 60);
    test::require(decoder->forward(*sequence, tokens_, {}));
    for (int64_t layer = 0; layer < spec.n_layers; ++layer) {
      const auto sizes = key_sizes(*sequence, decoder->kv_geometry(), layer);
      const double least = *std::ranges::min_element(sizes), most = *std::ranges::max_element(sizes);
      if (fold) {
        EXPECT_GT(least, 0.3);
        EXPECT_LT(most, 2.5);
      } else {
        EXPECT_GT(most, 20);
      }
    }
  }
}

// Models without these gains are read as they are.
TEST_F(KeyScalesTest, OtherArchitecturesAreNotTouched) {
  const ModelSpec spec = test::small_spec(Architecture::kLlama, TensorType::kF32);
  LoadedDecoder with(spec), without(spec, {.fold_key_scales = false});
  EXPECT_EQ(test::all_logits(*with, tokens_), test::all_logits(*without, tokens_));
}

}  // namespace
}  // namespace docmind
