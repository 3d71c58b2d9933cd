// The AVX2 kernel table.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx2/attention.h"
#include "kernels/avx2/hadamard.h"
#include "kernels/avx2/matmul.h"
#include "kernels/avx2/probe.h"
#include "kernels/avx2/quantize_rows.h"
#include "kernels/avx2/rows.h"
#include "kernels/avx2/scan.h"
#include "kernels/avx2/seal.h"
#include "kernels/tables.h"

namespace docmind::kernels::avx2 {

const KernelTable& table() {
  static constexpr KernelTable kTable = {
      .isa = Isa::kAvx2,
      .load_activations = load_activations,
      .matmul = matmul,
      .rms_norm = rms_norm,
      .layer_norm = layer_norm,
      .add = add,
      .scale = scale,
      .silu_mul = silu_mul,
      .gelu = gelu,
      .rope = rope,
      .softmax = softmax,
      .dot = dot,
      .argmax = argmax,
      .to_half = to_half,
      .from_half = from_half,
      .quantize_rows = quantize_rows,
      .near_sketches = near_sketches,
      .dot_i8 = dot_i8,
      .hadamard = hadamard,
      .seal = seal,
      .attention = attention,
      .read_probe = read_probe,
      .int8_probe = int8_probe,
  };
  return kTable;
}

}  // namespace docmind::kernels::avx2
