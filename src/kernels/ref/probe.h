// What this machine can do at most with these instructions (KernelTable has the contracts).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace docmind::kernels::ref {

uint64_t read_probe(const std::byte* data, size_t n_bytes);
int64_t int8_probe(int64_t n_rounds, int32_t* sink);

}  // namespace docmind::kernels::ref
