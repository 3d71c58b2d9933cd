// KvFiller: gives a sequence made-up keys and values, where computing them would take hours.
// SPDX-License-Identifier: Apache-2.0
#include "engine/kv_fill.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/hash.h"

namespace docmind::engine {
namespace {

constexpr int64_t kNoise = 1 << 16;
constexpr int64_t kPassTokens = 256;
constexpr int64_t kHotEvery = 16;  // every so manieth channel of keys is large
constexpr float kHot = 8.0f;

}  // namespace

KvFiller::KvFiller(const kernels::KernelTable& table, ThreadTeam& team, uint64_t seed)
    : table_(table), team_(team), seed_(seed), noise_(kNoise), half_noise_(kNoise), half_keys_(kNoise) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  for (float& x : noise_) x = normal(random);
  table.to_half(noise_.data(), kNoise, half_noise_.data());
}

Status KvFiller::fill(kv::Sequence& sequence, int64_t n_tokens, const CancelToken& cancel) {
  const kv::Geometry& geometry = sequence.layout().geometry();
  const int64_t d = geometry.head_dim;
  // Starts of rows are multiples of head_dim, so that the large channels stay in their places.
  std::vector<float> keys = noise_;
  for (int64_t i = 0; i < kNoise; ++i) keys[static_cast<size_t>(i)] *= i % d % kHotEvery == 0 ? kHot : 1.0f;
  table_.to_half(keys.data(), kNoise, half_keys_.data());
  std::vector<kv::TokenId> tokens;
  while (sequence.n_tokens() < n_tokens) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "filling the KV cache was stopped"};
    const int64_t begin = sequence.n_tokens();
    const int64_t end = std::min(begin + kPassTokens, n_tokens);
    DM_TRY(sequence.reserve(end - begin));
    for (int64_t layer = 0; layer < geometry.n_layers; ++layer) {
      write(sequence, layer, begin, end);
      seal(sequence, layer);
    }
    tokens.clear();
    for (int64_t t = begin; t < end; ++t) tokens.push_back(static_cast<kv::TokenId>(hash64({}, seed_ + static_cast<uint64_t>(t)) % 30'000));
    sequence.commit(tokens);
  }
  return {};
}

void KvFiller::write(kv::Sequence& sequence, int64_t layer, int64_t begin, int64_t end) {
  const kv::Geometry& geometry = sequence.layout().geometry();
  const int64_t d = geometry.head_dim;
  const int64_t n_rows = kNoise / d;
  const bool energy = sequence.layout().has_query_energy();
  team_.parallel_for(geometry.n_kv_heads, 1, [&](int64_t first, int64_t last, size_t) {
    for (int64_t head = first; head < last; ++head) {
      for (int64_t t = begin; t < end; ++t) {
        const uint64_t random = hash64({}, seed_ + static_cast<uint64_t>((layer * 1'000 + head) * 10'000'000 + t));
        const auto row = static_cast<int64_t>(random % static_cast<uint64_t>(n_rows)) * d;
        const auto other = static_cast<int64_t>((random >> 32) % static_cast<uint64_t>(n_rows)) * d;
        std::copy_n(half_keys_.data() + row, d, sequence.keys(layer, head, t));
        std::copy_n(half_noise_.data() + other, d, sequence.values(layer, head, t));
        if (energy) sequence.add_query_energy(layer, head, t, noise_.data() + other, 1);
      }
    }
  });
}

void KvFiller::seal(kv::Sequence& sequence, int64_t layer) {
  const int64_t n_pages = sequence.n_due_pages();
  if (n_pages == 0) return;
  const kernels::KvPageShape& shape = sequence.layout().page_shape();
  const int64_t heads = kernels::kv_seal_heads(shape);
  const int64_t n_parts = shape.n_kv_heads / heads;
  sequence.prepare_seal(layer);
  team_.parallel_for(n_pages * n_parts, 1, [&](int64_t first, int64_t last, size_t) {
    for (int64_t i = first; i < last; ++i) {
      sequence.seal(layer, i / n_parts, i % n_parts * heads, (i % n_parts + 1) * heads);
    }
  });
}

}  // namespace docmind::engine
