// MachineLimits: how fast this machine reads memory and multiplies bytes, measured.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/error.h"
#include "kernels/kernels.h"

namespace docmind::engine {

// A decoding step reads all weights once and a prompt multiplies with all of them, so these two
// bound what any engine can do.
struct MachineLimits {
  double read_gb_per_s = 0;    // 1e9 bytes
  double int8_gmac_per_s = 0;  // 1e9 multiply-accumulates, with the instructions of the kernels
};

// The best of several short runs on `n_threads` threads (0: one per CPU); takes about a second.
// Needs 512 MiB for the time of the call; kLimit when they are not there.
[[nodiscard]] Result<MachineLimits> measure_machine_limits(const kernels::KernelTable& kernels,
                                                           size_t n_threads);

}  // namespace docmind::engine
