// AttentionJob: the queries of one sequence against its stored keys and values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels {

inline constexpr int64_t kKvBlockTokens = 16;
inline constexpr int64_t kMaxHeadDim = 1024;

// What a sealed page holds of every layer; kv_page.h has the layout.
struct KvPageShape {
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;      // a multiple of 4
  int64_t key_group = 64;    // tokens that share a scale and a minimum of a channel of keys: 64 or 32
  int64_t value_group = 64;  // channels of a token that share a scale of values; divides n_kv_heads * head_dim,
                             // and either divides head_dim or is a multiple of it
};

// Where one layer's keys and values of one sequence lie. Token t is in blocks[t / 16]; inside a
// block, KV head h has its keys [16, head_dim] as Half at byte h * head_stride + k_offset and its
// values [16, head_dim] at h * head_stride + v_offset.
//
// The 64 tokens of page p may instead, or as well, be sealed in pages[p]. A page that is held both ways is
// read sealed by queries for which kv_reads_sealed() says so and exact by the others; one that is held
// in one way only is read in that way. All that is borrowed.
struct KvView {
  const std::byte* const* blocks = nullptr;  // null where a token is only sealed
  size_t k_offset = 0;
  size_t v_offset = 0;
  size_t head_stride = 0;
  const std::byte* const* pages = nullptr;  // one for each begun page of keys, null where not sealed; or no array
  int64_t layer = 0;                        // of the pages
  int64_t residual = 128;                   // newest tokens that are read exactly
  KvPageShape shape = {};                   // of the pages
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
  // Few rows (queries * n_heads / n_kv_heads, at most 16): keys are read in place, once for all of them.
  // Otherwise they are packed for many rows. Either way a row's result does not depend on which
  // other rows are computed with it, but the two ways round differently.
  bool decode = false;
  KvView kv;
};

// Scratch of one thread for a call of KernelTable::attention with up to `max_queries` queries.
[[nodiscard]] size_t attention_scratch_bytes(const AttentionJob& job, int64_t max_queries);

}  // namespace docmind::kernels
