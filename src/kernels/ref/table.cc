// The scalar kernel table.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/ref/attention.h"
#include "kernels/ref/kv_page.h"
#include "kernels/ref/matmul.h"
#include "kernels/ref/probe.h"
#include "kernels/ref/quantize_rows.h"
#include "kernels/ref/rows.h"
#include "kernels/ref/scan.h"
#include "kernels/tables.h"

namespace docmind::kernels::ref {

const KernelTable& table() {
  static constexpr KernelTable kTable = {
      .isa = Isa::kScalar,
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

}  // namespace docmind::kernels::ref
