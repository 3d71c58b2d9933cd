// KernelTable::attention over vectors: a few rows directly, many in tiles.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/ref/attention.h"
#include "kernels/simd/attention_direct.h"
#include "kernels/simd/attention_tiled.h"

namespace docmind::kernels::simd {

// Pages whose vectors of 16 channels share scales. Others are of toy models only: the scalar twin reads them.
template <class V>
bool reads_pages(const AttentionJob& job) {
  const bool is_whole = job.head_dim % V::kLanes == 0 && job.kv.shape.value_group % V::kLanes == 0;
  return job.kv.pages == nullptr || is_whole;
}

// Queries of one page at a time, as they see the same pages sealed.
template <class P, int64_t kDirectTile, int64_t kDirectStep>
void attend_directly(const AttentionRows<typename P::Codes::V>& rows, int64_t query_end, std::byte* scratch) {
  using Rows = AttentionRows<typename P::Codes::V>;
  int64_t begin = rows.query_begin;
  while (begin < query_end) {
    const Rows first(rows.job, rows.kv_head, begin, begin + 1);
    int64_t end = begin + 1;
    while (end < query_end && rows.own_page((end - rows.query_begin) * rows.group) == first.own_page(0)) ++end;
    DirectAttention<P, kDirectTile, kDirectStep>(Rows(rows.job, rows.kv_head, begin, end), scratch).run();
    begin = end;
  }
}

// A as in attention_tiled.h, P as in attention_direct_pages.h, kDirectTile x kDirectStep as in
// attention_direct.h.
template <class A, class P, int64_t kDirectTile, int64_t kDirectStep>
void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end, std::byte* scratch) {
  using V = typename A::V;
  if (!reads_pages<V>(job)) return ref::attention(job, kv_head, query_begin, query_end, scratch);
  const AttentionRows<V> rows(job, kv_head, query_begin, query_end);
  if (rows.n_rows <= 0) return;
  if (job.n_keys <= 0) {
    for (int64_t row = 0; row < rows.n_rows; ++row) {
      for (int64_t c = 0; c < job.head_dim; ++c) rows.out(row)[c] = 0;
    }
  } else if (job.decode && rows.n_rows <= kMaxDirectRows) {
    attend_directly<P, kDirectTile, kDirectStep>(rows, query_end, scratch);
  } else {
    TiledAttention<A>(rows, scratch).run();
  }
}

}  // namespace docmind::kernels::simd
