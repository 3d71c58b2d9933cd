// KernelTable: the numeric loops of the engine, one table per instruction set, chosen once.
//
// Every function works on the calling thread, allocates nothing and touches only what it is given;
// callers split the work over threads. Pointers need no alignment unless it is said.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "kernels/attention.h"
#include "kernels/kv_page.h"
#include "kernels/packed_matrix.h"
#include "kernels/quantize.h"

namespace docmind::kernels {

// Best last; each has what the ones before it have.
enum class Isa { kScalar, kAvx2, kAvx512Vnni, kAvx512Bf16 };
[[nodiscard]] std::string_view isa_name(Isa isa);  // "scalar", "avx2", "avx512_vnni", "avx512_bf16"

// Sketches (bits of vectors) lie in panels of this many rows: word w of row r is
// sketches[(r / 8 * n_words + w) * 8 + r % 8]. The last panel is whole in memory, used or not.
inline constexpr int64_t kSketchPanel = 8;
struct NearSketch {
  uint32_t row = 0;
  uint32_t n_bits = 0;  // that differ
};

struct KernelTable {
  Isa isa;

  // --- matrix products (packed_matrix.h) ---
  // Prepares `n_rows` rows of x [n_rows, cols] (row stride `stride` floats) as the left operand,
  // writing rows [row, row + n_rows) of `out`.
  void (*load_activations)(const float* x, int64_t stride, int64_t row, int64_t n_rows, Activations& out);
  // y[t, r] = dot(activations row t, matrix row r) + bias[r] for all t < x.n_rows and the matrix rows of the
  // panels [panel_begin, panel_end); y has row stride `y_stride` floats. Rows beyond `w.rows` are
  // not written. `scratch` is matmul_scratch_bytes(), 64-byte aligned, one per thread.
  void (*matmul)(const PackedMatrix& w, const Activations& x, int64_t panel_begin, int64_t panel_end,
                 float* y, int64_t y_stride, std::byte* scratch);

  // --- rows ---
  // y = x / sqrt(mean(x^2) + eps) * gain; y may be x.
  void (*rms_norm)(const float* x, const float* gain, int64_t n, float eps, float* y);
  // y = (x - mean) / sqrt(variance + eps) * gain + bias; y may be x.
  void (*layer_norm)(const float* x, const float* gain, const float* bias, int64_t n, float eps, float* y);
  // x += y
  void (*add)(float* x, const float* y, int64_t n);
  // x *= scale
  void (*scale)(float* x, float factor, int64_t n);
  // gate = silu(gate) * up, silu(v) = v / (1 + exp(-v))
  void (*silu_mul)(float* gate, const float* up, int64_t n);
  // x = gelu(x), the tanh form that llama.cpp and GGUF encoders use:
  // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  void (*gelu)(float* x, int64_t n);
  // Rotates one head in place. cos_sin holds n_rot/2 pairs (cos, sin). `neox`: element i pairs with
  // i + n_rot/2; otherwise 2i pairs with 2i + 1. Elements from n_rot on are left as they are.
  void (*rope)(float* head, const float* cos_sin, int64_t n_rot, bool neox);
  // x = softmax(x)
  void (*softmax)(float* x, int64_t n);
  float (*dot)(const float* x, const float* y, int64_t n);
  // Index of the largest element, the first of equals; n > 0.
  int64_t (*argmax)(const float* x, int64_t n);
  void (*to_half)(const float* x, int64_t n, Half* out);  // rounds to nearest even
  void (*from_half)(const Half* x, int64_t n, float* out);

  // --- conversion of tensors (quantize.h) ---
  // Writes the rows' blocks; false when a value is not finite or beyond what the type can hold (then `out` is
  // unspecified). `scratch` is quantize_scratch_bytes(job.cols), 64-byte aligned.
  bool (*quantize_rows)(const QuantizeJob& job, std::byte* scratch);

  // --- vectors of an index ---
  // The sketches of n_rows that differ from query [n_words] in at most `most` bits, by row, into `out`
  // with room for n_rows; returns how many.
  int64_t (*near_sketches)(const uint64_t* query, int64_t n_words, const uint64_t* sketches, int64_t n_rows,
                           uint32_t most, NearSketch* out);
  // Exact; n is below 131,072.
  int32_t (*dot_i8)(const int8_t* x, const int8_t* y, int64_t n);

  // --- the KV cache (kv_page.h) ---
  // The orthonormal Walsh-Hadamard transform, its own inverse, of each `block` floats of x in place;
  // `block` is a power of two (1: nothing happens) and divides n.
  void (*hadamard)(float* x, int64_t n, int64_t block);
  // Quantizes the keys and values of KV heads [head_begin, head_end), multiples of kv_seal_heads(), of
  // one layer. The values must have been rotated.
  void (*seal)(const KvSealJob& job, int64_t head_begin, int64_t head_end);

  // --- attention (attention.h) ---
  // Queries [query_begin, query_end) of the job against all keys they may see, for the query heads
  // of one KV head. `scratch` is attention_scratch_bytes(job), 64-byte aligned, one per thread.
  void (*attention)(const AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
                    std::byte* scratch);

  // --- the limits of the machine, for benchmarks ---
  // Reads the bytes as fast as one thread can; the result depends on all of them.
  uint64_t (*read_probe)(const std::byte* data, size_t n_bytes);
  // Multiplies bytes in registers, `n_rounds` times a fixed number, which it returns in total
  // (multiply-accumulates). `sink` keeps the work from being optimised away.
  int64_t (*int8_probe)(int64_t n_rounds, int32_t* sink);
};

// The table of an instruction set; kUnsupported names it and what this CPU has when it lacks it.
[[nodiscard]] Result<const KernelTable*> kernel_table(Isa isa);
// The best that this CPU and operating system can run.
[[nodiscard]] Isa best_isa();
// "auto" is best_isa(); another name is that table, or kInvalidArgument / kUnsupported.
[[nodiscard]] Result<const KernelTable*> kernel_table_named(std::string_view name);

// One row of a tensor as it lies in a file, to floats: `n` elements, a multiple of the block length.
void dequantize_row(TensorType type, const std::byte* row, int64_t n, float* out);

}  // namespace docmind::kernels
