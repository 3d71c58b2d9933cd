// AttentionJob: the queries of one sequence against its stored keys and values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels {

inline constexpr int64_t kKvBlockTokens = 16;

// Where one layer's keys and values of one sequence lie. Token t is in blocks[t / 16]; inside a
// block, KV head h has its keys [16, head_dim] as Half at byte h * head_stride + k_offset and its
// values [16, head_dim] at h * head_stride + v_offset.
struct KvView {
  const std::byte* const* blocks = nullptr;  // borrowed
  size_t k_offset = 0;
  size_t v_offset = 0;
  size_t head_stride = 0;
};

struct AttentionJob {
  const float* q = nullptr;  // [n_queries, n_heads * head_dim], row stride q_stride floats
  int64_t q_stride = 0;
  float* out = nullptr;  // the same shape, row stride out_stride; must not overlap q
  int64_t out_stride = 0;
  int64_t n_queries = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;  // divides n_heads; query head h reads KV head h / (n_heads / n_kv_heads)
  int64_t head_dim = 0;    // of keys and of values
  float scale = 1.0f;      // of the scores
  int64_t n_keys = 0;
  // Causal: query i sees keys [0, first_position + i]; otherwise all n_keys.
  bool causal = true;
  int64_t first_position = 0;
  // Products in bfloat16 where the CPU has them (models of floats ask for floats).
  bool exact = false;
  KvView kv;
};

// Scratch of one thread for a call of KernelTable::attention with up to `max_queries` queries.
[[nodiscard]] size_t attention_scratch_bytes(const AttentionJob& job, int64_t max_queries);

}  // namespace docmind::kernels
