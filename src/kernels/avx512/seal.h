// Sealing pages of the KV cache with AVX-512.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/kv_page.h"

namespace docmind::kernels::avx512 {

void seal(const KvSealJob& job, int64_t head_begin, int64_t head_end);

}  // namespace docmind::kernels::avx512
