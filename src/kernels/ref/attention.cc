// Attention, one query head and one key after the other, with the online softmax of
// Milakov & Gimelshein, "Online normalizer calculation for softmax" (2018).
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/half.h"
#include "kernels/ref/rows.h"

namespace docmind::kernels::ref {
namespace {

// The keys (or values) row of a token.
const Half* kv_row(const AttentionJob& job, int64_t kv_head, int64_t token, size_t part_offset) {
  const std::byte* block = job.kv.blocks[token / kKvBlockTokens];
  const std::byte* part = block + static_cast<size_t>(kv_head) * job.kv.head_stride + part_offset;
  return reinterpret_cast<const Half*>(part) + token % kKvBlockTokens * job.head_dim;
}

void attend(const AttentionJob& job, int64_t kv_head, int64_t n_visible, const float* q, float* out) {
  std::fill_n(out, job.head_dim, 0.0f);
  float largest = -std::numeric_limits<float>::infinity();
  double sum = 0;  // of the weights, relative to `largest`, as `out` is
  for (int64_t t = 0; t < n_visible; ++t) {
    const Half* key = kv_row(job, kv_head, t, job.kv.k_offset);
    double product = 0;
    for (int64_t c = 0; c < job.head_dim; ++c) product += static_cast<double>(q[c]) * half_to_float(key[c]);
    const float score = static_cast<float>(product) * job.scale;
    if (score > largest) {
      const float shrink = std::exp(largest - score);
      scale(out, shrink, job.head_dim);
      sum *= shrink;
      largest = score;
    }
    const float weight = std::exp(score - largest);
    sum += weight;
    const Half* value = kv_row(job, kv_head, t, job.kv.v_offset);
    for (int64_t c = 0; c < job.head_dim; ++c) out[c] += weight * half_to_float(value[c]);
  }
  if (n_visible > 0) scale(out, static_cast<float>(1.0 / sum), job.head_dim);
}

}  // namespace

void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
               std::byte* /*scratch*/) {
  const int64_t group = job.n_heads / job.n_kv_heads;
  for (int64_t i = query_begin; i < query_end; ++i) {
    const int64_t n_visible = job.causal ? std::min(job.n_keys, job.first_position + i + 1) : job.n_keys;
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      attend(job, kv_head, n_visible, job.q + i * job.q_stride + head * job.head_dim,
             job.out + i * job.out_stride + head * job.head_dim);
    }
  }
}

}  // namespace docmind::kernels::ref
