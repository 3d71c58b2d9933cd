// KernelTable::attention in plain C++: what the vector versions are compared with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention.h"

namespace docmind::kernels::ref {

void attention(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
               std::byte* scratch);

}  // namespace docmind::kernels::ref
