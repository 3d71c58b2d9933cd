// quantize_rows: which fit a type's rows take.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/simd/quantize_blocks32.h"
#include "kernels/simd/quantize_floats.h"
#include "kernels/simd/quantize_k.h"
#include "kernels/simd/quantize_q6_k.h"

namespace docmind::kernels::simd {

// Without importance all values count alike. Weighting them by their magnitude, which is common, was tried on
// stories260K: both the squared errors and the divergences of its distributions were larger, for every type.
//
// U is what instruction sets differ in: V, 16 floats; pick_less(a, b, yes, no), yes where a < b and else no;
// magnitude(x); store_codes(x, bytes), whole numbers from -128 to 255 as bytes.
template <class U, bool kWeighted>
bool quantize_as(const QuantizeJob& job, std::byte* scratch) {
  switch (job.type) {
    case TensorType::kQ8_0: return quantize_blocks32<U, BlockQ8_0, kWeighted>(job, scratch);
    case TensorType::kQ4_0: return quantize_blocks32<U, BlockQ4_0, kWeighted>(job, scratch);
    case TensorType::kQ4_K: return quantize_k<U, BlockQ4_K, 15, kWeighted>(job, scratch);
    case TensorType::kQ5_K: return quantize_k<U, BlockQ5_K, 31, kWeighted>(job, scratch);
    case TensorType::kQ6_K: return quantize_q6_k<U, kWeighted>(job, scratch);
    default: return convert_floats<U>(job);
  }
}

template <class U>
bool quantize_rows(const QuantizeJob& job, std::byte* scratch) {
  return job.importance == nullptr ? quantize_as<U, false>(job, scratch) : quantize_as<U, true>(job, scratch);
}

}  // namespace docmind::kernels::simd
