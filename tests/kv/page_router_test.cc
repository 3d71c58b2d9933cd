// The router of `mixed`: bits go where they matter, and a page is never larger than its slot.
// SPDX-License-Identifier: Apache-2.0
#include "kv/page_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/half.h"
#include "kernels/ref/kv_page.h"
#include "kv_pass.h"
#include "support/random_blocks.h"

namespace docmind::kv {
namespace {

constexpr Geometry kReal = {.n_layers = 28, .n_kv_heads = 8, .head_dim = 128};

Layout mixed_layout(const Geometry& geometry, double bits) {
  FormatOptions options;
  options.format = Format::kMixed;
  options.mixed_bits = bits;
  return *Layout::create(geometry, options);
}

size_t bytes_of(const Layout& layout, PageBits bits) {
  return static_cast<size_t>(kernels::kv_layer_bytes(layout.page_shape(), bits.key, bits.value));
}

// Noise of scores when keys with 2 bits add `at_two`, falling to a quarter with each bit.
KeyNoise noise_of(double at_two) {
  KeyNoise noise{};
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = at_two * std::pow(4.0, 2 - kPageBitChoices[i]);
  return noise;
}
double value_noise(int bits) {
  constexpr double kWeight = 2.5;
  return kWeight * (bits == 2 ? 0.117 : bits == 3 ? 0.036 : bits == 4 ? 0.0102 : 4e-5);
}

// Routes all layers and returns the noise of all.
double route_all(const Layout& layout, std::span<const KeyNoise> noise, std::vector<PageBits>& bits) {
  size_t left = layout.page_bytes() - static_cast<size_t>(kernels::kv_page_header_bytes(layout.geometry().n_layers));
  double sum = 0;
  bits.clear();
  for (size_t i = 0; i < noise.size(); ++i) {
    bits.push_back(route_page(layout, noise[i], left, std::ssize(noise) - 1 - static_cast<int64_t>(i)));
    EXPECT_LE(bytes_of(layout, bits.back()), left);
    left -= std::min(left, bytes_of(layout, bits.back()));
    const auto* choice = std::ranges::find(kPageBitChoices, bits.back().key);
    sum += noise[i][static_cast<size_t>(choice - kPageBitChoices.begin())] + value_noise(bits.back().value);
  }
  return sum;
}

TEST(PageRouter, StaysWithinThePageAndBeatsTheSameBitsEverywhere) {
  const Layout layout = mixed_layout(kReal, 3);
  test::Random random(1);
  std::vector<PageBits> bits;
  double routed = 0, uniform = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<KeyNoise> noise;
    for (int64_t i = 0; i < kReal.n_layers; ++i) noise.push_back(noise_of(0.15 * std::exp(1.5 * random.gauss())));
    routed += route_all(layout, noise, bits);
    for (const KeyNoise& n : noise) uniform += n[2] + value_noise(3);  // 3 bits everywhere are as large
  }
  EXPECT_LT(routed, 0.95 * uniform) << routed / uniform;
}

TEST(PageRouter, SpendsWhatThePageHas) {
  for (const double target : {2.6, 3.0, 4.5, 6.0, 8.0}) {
    const Layout layout = mixed_layout(kReal, target);
    std::vector<PageBits> bits;
    route_all(layout, std::vector<KeyNoise>(28, noise_of(0.1)), bits);
    size_t sum = 0;
    for (const PageBits b : bits) sum += bytes_of(layout, b);
    EXPECT_LE(sum, layout.page_bytes());
    EXPECT_GE(static_cast<double>(sum), 0.93 * static_cast<double>(layout.page_bytes())) << target;
  }
}

TEST(PageRouter, ALayerWithNoisyKeysGetsMoreBitsForThem) {
  const Layout layout = mixed_layout(kReal, 3);
  std::vector<KeyNoise> noise(28, noise_of(0.05));
  noise[3] = noise_of(3);
  std::vector<PageBits> bits;
  route_all(layout, noise, bits);
  EXPECT_GT(bits[3].key, bits[2].key);
  EXPECT_GE(bits[3].key, 4);
}

TEST(PageRouter, WhatIsNotANumberStillFits) {
  const Layout layout = mixed_layout(kReal, 2.5);
  KeyNoise noise;
  noise.fill(1e30);
  std::vector<PageBits> bits;
  route_all(layout, std::vector<KeyNoise>(28, noise), bits);
  noise.fill(0);
  route_all(layout, std::vector<KeyNoise>(28, noise), bits);
}

// The noise that is predicted is the noise that coding makes.
TEST(PageRouter, PredictsTheNoiseOfScores) {
  const Geometry geometry = {.n_layers = 1, .n_kv_heads = 2, .head_dim = 64};
  const Layout layout = mixed_layout(geometry, 8);
  std::vector<std::vector<std::byte>> memory(4, std::vector<std::byte>(layout.block_bytes()));
  std::vector<std::byte*> blocks;
  test::Random random(2);
  std::vector<float> deviation(64);
  for (float& d : deviation) d = std::exp(random.gauss());
  for (auto& block : memory) {
    blocks.push_back(block.data());
    for (int64_t head = 0; head < 2; ++head) {
      for (int64_t i = 0; i < 16 * 64; ++i) {
        const float key = deviation[static_cast<size_t>(i % 64)] * random.gauss();
        layout.keys(block.data(), 0, head, 0)[i] = kernels::float_to_half(key);
      }
      for (int64_t c = 0; c < 64; ++c) layout.query_energy(block.data(), 0, head)[c] = 16;  // of 16 queries of size one
    }
  }
  std::vector<float> scratch;
  const KeyNoise noise = measure_key_noise(layout, scalar_table(), blocks, 0, 1, scratch);
  for (size_t choice = 1; choice < 4; ++choice) {
    std::vector<std::byte> page(layout.page_bytes());
    const kernels::KvPageLayer entry = {.offset = 64, .key_bits = static_cast<uint8_t>(kPageBitChoices[choice]),
                                        .value_bits = 2, .reserved = 0};
    std::memcpy(page.data(), &entry, sizeof(entry));
    const kernels::KvView view = layout.view(nullptr, nullptr, 0);
    kernels::KvSealJob job = {.k_offset = view.k_offset, .v_offset = view.v_offset, .head_stride = view.head_stride,
                              .shape = layout.page_shape(), .page = page.data(), .layer = 0};
    std::ranges::copy(blocks, std::begin(job.blocks));
    scalar_table().seal(job, 0, 2);
    double error = 0;
    std::vector<float> key(64);
    for (int64_t head = 0; head < 2; ++head) {
      for (int64_t t = 0; t < 64; ++t) {
        kernels::ref::read_sealed_key(layout.page_shape(), page.data(), 0, head, t, key.data());
        for (int64_t c = 0; c < 64; ++c) {
          const kernels::Half exact = layout.keys(blocks[static_cast<size_t>(t / 16)], 0, head, t % 16)[c];
          error += std::pow(key[static_cast<size_t>(c)] - kernels::half_to_float(exact), 2);
        }
      }
    }
    const double measured = error / (2 * 64) / 64;  // of a score with a query of size one
    EXPECT_NEAR(noise[choice] / measured, 1, 0.4) << kPageBitChoices[choice] << " bits";
  }
}

TEST(PageRouter, PagesOfASequenceMeetTheirTarget) {
  const auto cache = make_cache(options_of(Format::kMixed));
  const auto sequence = new_sequence(*cache, 900);
  ASSERT_TRUE(run_text(*sequence, some_tokens(900, 1), 200).ok());
  const CacheStats stats = cache->stats();
  EXPECT_EQ(stats.n_sealed_pages, cache->layout().sealed_pages(899) - 1);
  EXPECT_LE(stats.mean_mixed_bits, 5);
  EXPECT_GT(stats.mean_mixed_bits, 4);
}

}  // namespace
}  // namespace docmind::kv
