// Probes: the most that this CPU can multiply and read, to hold the kernels' speed against.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace docmind::kernels {

// Runs `n_rounds` rounds of int8 multiply-accumulates in registers with the best instruction of the
// set, which this CPU must have; returns how many it did. `sink` gets a value that depends on all of
// them, so that none can be left out.
[[nodiscard]] int64_t multiply_probe(Isa isa, int64_t n_rounds, int32_t* sink);

// Reads every byte once, front to back; returns a value that depends on all of them.
[[nodiscard]] uint64_t read_probe(const std::byte* data, size_t n_bytes);

}  // namespace docmind::kernels
