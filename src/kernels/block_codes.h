// Codes and scales to the blocks of a file: where each bit goes, the inverse of dequantize.cc.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/tensor_type.h"

namespace docmind::kernels {

// Codes lie in the order of their elements, a byte each, and are within what the type can hold.
void pack_codes(const uint8_t* codes, BlockQ4_0& block);  // 32 of 0 to 15
void pack_codes(const uint8_t* codes, BlockQ4_K& block);  // 256 of 0 to 15
void pack_codes(const uint8_t* codes, BlockQ5_K& block);  // 256 of 0 to 31
void pack_codes(const uint8_t* codes, BlockQ6_K& block);  // 256 of 0 to 63

// The field `scales` of Q4_K and Q5_K: 8 scales and 8 mins of 0 to 63.
void pack_scales(const uint8_t* scales, const uint8_t* mins, uint8_t* packed);

}  // namespace docmind::kernels
