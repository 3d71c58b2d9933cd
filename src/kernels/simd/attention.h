// KernelTable::attention over vectors: a few rows directly, many in tiles.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/attention_direct.h"
#include "kernels/simd/attention_tiled.h"

namespace docmind::kernels::simd {

// A as in attention_tiled.h; kDirectTile x kDirectStep as in attention_direct.h.
template <class A, int64_t kDirectTile, int64_t kDirectStep>
void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end, std::byte* scratch) {
  using V = typename A::V;
  const AttentionRows<V> rows(job, kv_head, query_begin, query_end);
  if (rows.n_rows <= 0) return;
  if (job.n_keys <= 0) {
    for (int64_t row = 0; row < rows.n_rows; ++row) {
      for (int64_t c = 0; c < job.head_dim; ++c) rows.out(row)[c] = 0;
    }
  } else if (rows.n_rows <= kMaxDirectRows) {
    DirectAttention<V, kDirectTile, kDirectStep>(rows, scratch).run();
  } else {
    TiledAttention<A>(rows, scratch).run();
  }
}

}  // namespace docmind::kernels::simd
