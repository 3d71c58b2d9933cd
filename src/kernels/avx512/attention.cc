// Attention: simd/attention.h compiled for AVX-512.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/attention.h"

#include "kernels/avx512/bf16_units.h"
#include "kernels/avx512/page_codes.h"
#include "kernels/simd/attention.h"
#include "kernels/simd/avx512.h"
#include "kernels/simd/float_units.h"

namespace docmind::kernels::avx512 {

void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
               std::byte* scratch) {
  using Units = simd::FloatUnits<PageCodes, 12, 2>;
  simd::attention<Units, PageProducts, 4, 4>(job, kv_head, query_begin, query_end, scratch);
}

void attention_bf16(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
                    std::byte* scratch) {
  if (job.exact) return attention(job, kv_head, query_begin, query_end, scratch);
  simd::attention<Bf16Units, PageProducts, 4, 4>(job, kv_head, query_begin, query_end, scratch);
}

}  // namespace docmind::kernels::avx512
