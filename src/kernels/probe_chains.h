// The multiply probes of the instruction sets; only probe.cc calls them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::kernels {

// Independent sums, enough to hide the latency of one product behind the others.
inline constexpr int kProbeChains = 12;

namespace avx2 {
[[nodiscard]] int64_t multiply_probe(int64_t n_rounds, int32_t* sink);
}
namespace avx512 {
[[nodiscard]] int64_t multiply_probe(int64_t n_rounds, int32_t* sink);
}

}  // namespace docmind::kernels
