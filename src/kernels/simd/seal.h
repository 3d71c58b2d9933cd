// Sealing (kv_page.h) over vectors of 16 channels. U is avx2::SealUnits or avx512::SealUnits; everything is
// a template of it, so that no function compiled for one instruction set is linked into another.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/ref/kv_page.h"
#include "kernels/simd/seal_keys.h"
#include "kernels/simd/seal_values.h"

namespace docmind::kernels::simd {

// Widths that do not divide into vectors are those of toy models only, and go the scalar way.
template <class U>
void seal(const KvSealJob& job, int64_t head_begin, int64_t head_end) {
  constexpr int64_t kLanes = U::V::kLanes;
  if (job.shape.head_dim % kLanes != 0 || job.shape.value_group % kLanes != 0) {
    return ref::seal(job, head_begin, head_end);
  }
  for (int64_t head = head_begin; head < head_end; ++head) seal_keys<U>(job, head);
  seal_values<U>(job, head_begin, head_end);
}

}  // namespace docmind::kernels::simd
