// Attention, one query head and one key after the other, with the online softmax of
// Milakov & Gimelshein, "Online normalizer calculation for softmax" (2018).
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/half.h"
#include "kernels/ref/kv_page.h"
#include "kernels/ref/rows.h"

namespace docmind::kernels::ref {
namespace {

// The keys (or values) row of a token.
const Half* kv_row(const AttentionJob& job, int64_t kv_head, int64_t token, size_t part_offset) {
  const std::byte* block = job.kv.blocks[token / kKvBlockTokens];
  const std::byte* part = block + static_cast<size_t>(kv_head) * job.kv.head_stride + part_offset;
  return reinterpret_cast<const Half*>(part) + token % kKvBlockTokens * job.head_dim;
}

// The page that a query at `position` reads a token from, or null when it reads the token's block.
const std::byte* sealed_page(const KvView& kv, int64_t position, int64_t token) {
  const int64_t page = token / kKvPageTokens;
  if (kv.pages == nullptr || kv.pages[page] == nullptr) return nullptr;
  const bool only_sealed = kv.blocks[token / kKvBlockTokens] == nullptr;
  return only_sealed || kv_reads_sealed(position, page, kv.residual) ? kv.pages[page] : nullptr;
}

// The key and the value of one token as floats.
class Reader {
 public:
  Reader(const AttentionJob& job, int64_t kv_head, int64_t position)
    : job_(job), kv_head_(kv_head), position_(position) {}

  const float* key(int64_t token) { return read(token, job_.kv.k_offset, read_sealed_key); }
  const float* value(int64_t token) { return read(token, job_.kv.v_offset, read_sealed_value); }

 private:
  const float* read(int64_t token, size_t part_offset, decltype(read_sealed_key)& read_sealed) {
    if (const std::byte* page = sealed_page(job_.kv, position_, token)) {
      read_sealed(job_.kv.shape, page, job_.kv.layer, kv_head_, token % kKvPageTokens, row_);
    } else {
      from_half(kv_row(job_, kv_head_, token, part_offset), job_.head_dim, row_);
    }
    return row_;
  }

  const AttentionJob& job_;
  int64_t kv_head_;
  int64_t position_;
  float row_[kMaxHeadDim];
};

void attend(const AttentionJob& job, int64_t kv_head, int64_t n_visible, const float* q, float* out) {
  Reader reader(job, kv_head, n_visible - 1);
  std::fill_n(out, job.head_dim, 0.0f);
  float largest = -std::numeric_limits<float>::infinity();
  double sum = 0;  // of the weights, relative to `largest`, as `out` is
  for (int64_t t = 0; t < n_visible; ++t) {
    const float* key = reader.key(t);
    double product = 0;
    for (int64_t c = 0; c < job.head_dim; ++c) product += static_cast<double>(q[c]) * key[c];
    const float score = static_cast<float>(product) * job.scale;
    if (score > largest) {
      const float shrink = std::exp(largest - score);
      scale(out, shrink, job.head_dim);
      sum *= shrink;
      largest = score;
    }
    const float weight = std::exp(score - largest);
    sum += weight;
    const float* value = reader.value(t);
    for (int64_t c = 0; c < job.head_dim; ++c) out[c] += weight * value[c];
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
