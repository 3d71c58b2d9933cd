// The AVX-512 kernel tables, without and with bfloat16 products.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/avx512/attention.h"
#include "kernels/avx512/hadamard.h"
#include "kernels/avx512/matmul.h"
#include "kernels/avx512/probe.h"
#include "kernels/avx512/quantize_rows.h"
#include "kernels/avx512/rows.h"
#include "kernels/avx512/scan.h"
#include "kernels/avx512/seal.h"
#include "kernels/tables.h"

namespace docmind::kernels::avx512 {
namespace {

constexpr KernelTable make(Isa isa, decltype(KernelTable::attention) attention_of_isa,
                           decltype(KernelTable::near_sketches) near_sketches_of_cpu) {
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
      .quantize_rows = quantize_rows,
      .near_sketches = near_sketches_of_cpu,
      .dot_i8 = dot_i8,
      .hadamard = hadamard,
      .seal = seal,
      .attention = attention_of_isa,
      .read_probe = read_probe,
      .int8_probe = int8_probe,
  };
}

// Of the CPUs with either set of instructions only some count bits.
bool counts_bits() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vpopcntdq") != 0;
}

}  // namespace

const KernelTable& table() {
  static constexpr KernelTable kTable = make(Isa::kAvx512Vnni, attention, near_sketches);
  static constexpr KernelTable kCounting = make(Isa::kAvx512Vnni, attention, near_sketches_popcnt);
  return counts_bits() ? kCounting : kTable;
}

const KernelTable& bf16_table() {
  static constexpr KernelTable kTable = make(Isa::kAvx512Bf16, attention_bf16, near_sketches);
  static constexpr KernelTable kCounting = make(Isa::kAvx512Bf16, attention_bf16, near_sketches_popcnt);
  return counts_bits() ? kCounting : kTable;
}

}  // namespace docmind::kernels::avx512
