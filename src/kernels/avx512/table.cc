// The AVX-512 kernel tables, without and with bfloat16 products.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/attention.h"
#include "kernels/avx512/hadamard.h"
#include "kernels/avx512/matmul.h"
#include "kernels/avx512/probe.h"
#include "kernels/avx512/rows.h"
#include "kernels/avx512/seal.h"
#include "kernels/tables.h"

namespace docmind::kernels::avx512 {
namespace {

constexpr KernelTable make(Isa isa, decltype(KernelTable::attention) attention_of_isa) {
  return {
      .isa = isa,
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
      .hadamard = hadamard,
      .seal = seal,
      .attention = attention_of_isa,
      .read_probe = read_probe,
      .int8_probe = int8_probe,
  };
}

}  // namespace

const KernelTable& table() {
  static constexpr KernelTable kTable = make(Isa::kAvx512Vnni, attention);
  return kTable;
}

const KernelTable& bf16_table() {
  static constexpr KernelTable kTable = make(Isa::kAvx512Bf16, attention_bf16);
  return kTable;
}

}  // namespace docmind::kernels::avx512
