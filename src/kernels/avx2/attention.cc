// Attention: simd/attention.h compiled for AVX2.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/attention.h"

#include "kernels/avx2/page_codes.h"
#include "kernels/simd/attention.h"
#include "kernels/simd/avx2.h"
#include "kernels/simd/float_units.h"

namespace docmind::kernels::avx2 {

void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
               std::byte* scratch) {
  simd::attention<simd::FloatUnits<PageCodes, 6, 1>, PageProducts, 2, 2>(job, kv_head, query_begin, query_end, scratch);
}

}  // namespace docmind::kernels::avx2
