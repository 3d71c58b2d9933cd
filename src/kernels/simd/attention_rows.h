// The rows of an attention call: which query and head they are, what they see, where their keys lie.
// V is avx2::Floats or avx512::Floats; everything is a template of it, so that no function compiled
// for one instruction set is linked into another.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"
#include "kernels/kv_page.h"

namespace docmind::kernels::simd {

// Below every score, and finite: the difference to -infinity is no NaN.
inline constexpr float kNoScore = -1e30f;

template <class V>
struct AttentionRows {
  const AttentionJob& job;
  int64_t kv_head;
  int64_t query_begin;
  int64_t group;   // query heads of the KV head
  int64_t n_rows;  // queries * group

  AttentionRows(const AttentionJob& a_job, int64_t a_kv_head, int64_t a_query_begin, int64_t query_end)
    : job(a_job), kv_head(a_kv_head), query_begin(a_query_begin), group(a_job.n_heads / a_job.n_kv_heads),
      n_rows((query_end - a_query_begin) * group) {}

  const float* query(int64_t row) const {
    return job.q + (query_begin + row / group) * job.q_stride + head_offset(row);
  }
  float* out(int64_t row) const {
    return job.out + (query_begin + row / group) * job.out_stride + head_offset(row);
  }
  // Keys [0, visible) are seen by the row.
  int64_t visible(int64_t row) const {
    const int64_t seen = job.first_position + query_begin + row / group + 1;
    return job.causal && seen < job.n_keys ? seen : job.n_keys;
  }
  // The page (of 64 tokens) that the row's query is in; rows of one see all pages in the same form.
  int64_t own_page(int64_t row) const { return (visible(row) - 1) / kKvPageTokens; }
  bool is_sealed(int64_t page) const { return job.kv.pages != nullptr && job.kv.pages[page] != nullptr; }
  bool is_exact(int64_t page) const { return job.kv.blocks[page * kKvPageBlocks] != nullptr; }
  // Whether a query in page `own` reads a page sealed.
  bool reads_sealed(int64_t page, int64_t own) const {
    return is_sealed(page) && (!is_exact(page) || kv_reads_sealed(own * kKvPageTokens, page, job.kv.residual));
  }
  KvHeadParts<const std::byte> sealed(int64_t page) const {
    return kv_head_parts(job.kv.shape, job.kv.pages[page], job.kv.layer, kv_head);
  }
  const Half* key(int64_t token) const { return token_row(token, job.kv.k_offset); }
  const Half* value(int64_t token) const { return token_row(token, job.kv.v_offset); }

 private:
  int64_t head_offset(int64_t row) const { return (kv_head * group + row % group) * job.head_dim; }
  const Half* token_row(int64_t token, size_t part_offset) const {
    const std::byte* block = job.kv.blocks[token / kKvBlockTokens];
    const std::byte* part = block + static_cast<size_t>(kv_head) * job.kv.head_stride + part_offset;
    return reinterpret_cast<const Half*>(part) + token % kKvBlockTokens * job.head_dim;
  }
};

// Scores are kept times log2(e), so that weights are powers of two.
template <class V>
float score_scale(const AttentionJob& job) {
  return job.scale * 1.44269504088896340736f;
}

// f.operator()<bits>() for the bits of a page's codes.
template <class V, class F>
void with_bits(int bits, F f) {
  switch (bits) {
    case 8: return f.template operator()<8>();
    case 4: return f.template operator()<4>();
    case 3: return f.template operator()<3>();
    default: return f.template operator()<2>();
  }
}

// The first `n` elements, n >= 1, of which 16 at most.
template <class V>
V load_halves(const Half* p, int64_t n) {
  return n >= V::kLanes ? V::load(p) : V::load_first(p, n);
}
template <class V>
V load_floats(const float* p, int64_t n) {
  return n >= V::kLanes ? V::load(p) : V::load_first(p, n);
}

}  // namespace docmind::kernels::simd
