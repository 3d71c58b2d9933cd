// How much scratch an attention call needs, whichever instruction set runs it.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include "kernels/attention_scratch.h"

namespace docmind::kernels {

size_t attention_scratch_bytes(const AttentionJob& job, int64_t max_queries) {
  const int64_t rows = max_queries * (job.n_heads / job.n_kv_heads);
  const size_t tiled = tiled_scratch(job.head_dim, rows).n_bytes;
  const size_t direct = direct_scratch(job.head_dim).n_bytes;
  return tiled > direct ? tiled : direct;
}

}  // namespace docmind::kernels
