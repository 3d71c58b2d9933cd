// The scratch that quantizing needs.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize.h"

namespace docmind::kernels {

// A tile of 16 sub-blocks of 32 values and as many weights (simd/quantize_tile.h).
size_t quantize_scratch_bytes(int64_t /*cols*/) { return sizeof(float) * 16 * 32 * 2; }

}  // namespace docmind::kernels
