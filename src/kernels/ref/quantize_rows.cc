// Rows to blocks: simd/quantize_rows.h compiled for plain floats.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/quantize_rows.h"

#include "kernels/ref/floats.h"
#include "kernels/simd/quantize_rows.h"

namespace docmind::kernels::ref {
namespace {

struct QuantizeUnits {
  using V = Floats;

  static V pick_less(V a, V b, V yes, V no) {
    V out;
    for (int i = 0; i < 16; ++i) out.v[i] = a.v[i] < b.v[i] ? yes.v[i] : no.v[i];
    return out;
  }
  static V magnitude(V x) {
    for (float& lane : x.v) lane = std::abs(lane);
    return x;
  }
  static void store_codes(V x, uint8_t* bytes) {
    for (int i = 0; i < 16; ++i) bytes[i] = static_cast<uint8_t>(static_cast<int>(x.v[i]));
  }
};

}  // namespace

bool quantize_rows(const QuantizeJob& job, std::byte* scratch) {
  return simd::quantize_rows<QuantizeUnits>(job, scratch);
}

}  // namespace docmind::kernels::ref
