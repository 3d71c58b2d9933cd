// What sealing keys and sealing values share: exact rows as vectors, and rounding to Half.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kv_page.h"
#include "kernels/seal_fit.h"

namespace docmind::kernels::simd {

// A token's exact keys (part_offset is job.k_offset) or values (v_offset) of a head.
template <class U>
const Half* exact_row(const KvSealJob& job, size_t part_offset, int64_t head, int64_t token) {
  const std::byte* block = job.blocks[token / kKvBlockTokens] + static_cast<size_t>(head) * job.head_stride;
  return reinterpret_cast<const Half*>(block + part_offset) + token % kKvBlockTokens * job.shape.head_dim;
}

template <class V>
V round_to_half(V x) {
  Half halves[V::kLanes];
  min(max(x, V::all(-kLargestHalf)), V::all(kLargestHalf)).store(halves);
  return V::load(halves);
}

// The code nearest to a position that is counted in steps from that of code 0.
template <class V>
V clamp_to_codes(V at, V most) {
  return min(max(at, V::zero()), most);
}

}  // namespace docmind::kernels::simd
