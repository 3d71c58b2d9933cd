// AttentionProblem: an AttentionJob with random queries, keys and values in hostile memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/edge_memory.h"
#include "kernels/half.h"
#include "kernels/kernels.h"

namespace docmind::test {

using kernels::AttentionJob;
using kernels::Half;
using kernels::kKvBlockTokens;

constexpr float kUntouched = std::numeric_limits<float>::infinity();  // what `out` holds before a call

struct AttentionShape {
  int64_t n_queries = 1, n_heads = 2, n_kv_heads = 1, head_dim = 64, n_keys = 1;
  bool causal = true;
  int64_t first_position = 0;
  bool exact = true;
  float query_size = 1;
  bool decode = false;
};

// A job with random contents. What a kernel must not use is NaN: the rest of the last block of keys, and
// the room between rows of queries. The last block lies at the end of its page, and so does the scratch.
class AttentionProblem {
 public:
  AttentionProblem(const AttentionShape& a_shape, uint32_t seed)
    : shape(a_shape), generator_(seed), blocks_(kv_bytes(a_shape)) {
    job.n_queries = shape.n_queries;
    job.n_heads = shape.n_heads;
    job.n_kv_heads = shape.n_kv_heads;
    job.head_dim = shape.head_dim;
    job.scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
    job.n_keys = shape.n_keys;
    job.causal = shape.causal;
    job.first_position = shape.first_position;
    job.exact = shape.exact;
    job.decode = shape.decode;
    fill_keys();
    fill_queries();
    reset();
  }

  void reset() {
    out.assign(static_cast<size_t>(job.n_queries * job.out_stride), kUntouched);
    job.out = out.data();
  }
  Half* key(int64_t kv_head, int64_t t) { return row(kv_head, t, job.kv.k_offset); }
  Half* value(int64_t kv_head, int64_t t) { return row(kv_head, t, job.kv.v_offset); }
  [[nodiscard]] int64_t visible(int64_t query) const {
    return job.causal ? std::min(job.n_keys, job.first_position + query + 1) : job.n_keys;
  }
  [[nodiscard]] float answer(int64_t query, int64_t head, int64_t c) const {
    return out[static_cast<size_t>(query * job.out_stride + head * job.head_dim + c)];
  }
  float* query(int64_t i, int64_t head) { return q_.data() + i * job.q_stride + head * job.head_dim; }

  void run(const kernels::KernelTable& table) {
    for (int64_t kv_head = 0; kv_head < job.n_kv_heads; ++kv_head) run(table, kv_head, 0, job.n_queries);
  }
  void run(const kernels::KernelTable& table, int64_t kv_head, int64_t begin, int64_t end) {
    const EdgeMemory scratch((kernels::attention_scratch_bytes(job, end - begin) + 63) / 64 * 64);
    std::fill_n(scratch.as<uint8_t>(), kernels::attention_scratch_bytes(job, end - begin), uint8_t{0xff});  // NaN
    table.attention(job, kv_head, begin, end, scratch.as<std::byte>());
  }

  AttentionShape shape;
  AttentionJob job;
  std::vector<float> out;

 private:
  static constexpr int64_t kGap = 8;  // floats between rows

  static size_t head_bytes(const AttentionShape& s) {
    return static_cast<size_t>(kKvBlockTokens * s.head_dim) * sizeof(Half);
  }
  static int64_t n_blocks(const AttentionShape& s) { return (s.n_keys + kKvBlockTokens - 1) / kKvBlockTokens; }
  static size_t kv_bytes(const AttentionShape& s) {
    return static_cast<size_t>(n_blocks(s) * s.n_kv_heads) * 2 * head_bytes(s);
  }
  Half* row(int64_t kv_head, int64_t t, size_t part) {
    auto* block = const_cast<std::byte*>(job.kv.blocks[t / kKvBlockTokens]);
    auto* base = reinterpret_cast<Half*>(block + static_cast<size_t>(kv_head) * job.kv.head_stride + part);
    return base + t % kKvBlockTokens * job.head_dim;
  }

  // Blocks in reverse order, all keys of the heads before all values.
  void fill_keys() {
    const size_t head = head_bytes(shape);
    const int64_t n = n_blocks(shape);
    for (int64_t b = n - 1; b >= 0; --b) {
      pointers_.push_back(blocks_.as<std::byte>() + static_cast<size_t>(b * shape.n_kv_heads) * 2 * head);
    }
    job.kv = {.blocks = pointers_.data(), .k_offset = 0, .v_offset = static_cast<size_t>(shape.n_kv_heads) * head,
              .head_stride = head};
    std::fill_n(blocks_.as<uint8_t>(), kv_bytes(shape), uint8_t{0xff});
    std::normal_distribution<float> normal;
    for (int64_t h = 0; h < shape.n_kv_heads; ++h) {
      for (int64_t t = 0; t < shape.n_keys; ++t) {
        for (int64_t c = 0; c < shape.head_dim; ++c) {
          key(h, t)[c] = kernels::float_to_half(normal(generator_));
          value(h, t)[c] = kernels::float_to_half(normal(generator_));
        }
      }
    }
  }

  void fill_queries() {
    job.q_stride = shape.n_heads * shape.head_dim + kGap;
    job.out_stride = job.q_stride + kGap;
    q_.assign(static_cast<size_t>(shape.n_queries * job.q_stride), std::numeric_limits<float>::quiet_NaN());
    job.q = q_.data();
    std::normal_distribution<float> normal(0, shape.query_size);
    for (int64_t i = 0; i < shape.n_queries; ++i) {
      std::generate_n(query(i, 0), shape.n_heads * shape.head_dim, [&] { return normal(generator_); });
    }
  }

  std::mt19937 generator_;
  EdgeMemory blocks_;
  std::vector<const std::byte*> pointers_;
  std::vector<float> q_;
};

}  // namespace docmind::test
