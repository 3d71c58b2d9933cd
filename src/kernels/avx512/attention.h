// KernelTable::attention with AVX-512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"

namespace docmind::kernels::avx512 {

void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
               std::byte* scratch);

// The same with bfloat16 products where there are many queries and the job does not ask for exact
// ones. Only for CPUs that have AVX512_BF16.
void attention_bf16(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
                    std::byte* scratch);

}  // namespace docmind::kernels::avx512
