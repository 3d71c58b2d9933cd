// Executor: the matrix products and row loops of a forward pass, spread over a team of threads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"
#include "model/matrix_names.h"
#include "model/scratch_sizes.h"
#include "model/weight_plan.h"

namespace docmind::model {

// The left operand of products: the same rows in the forms that the weights read.
class Operand {
 public:
  // `memory` for all rows times the matrices that `sizes` was made for.
  void place(const ScratchSizes& sizes, std::byte* memory) {
    codes_memory_ = memory;
    values_memory_ = memory + sizes.code_bytes();
  }

  // Gives it a shape; rows are then loaded. The forms are those of the `weights` that will read it.
  void shape(int64_t n_rows, std::span<const Linear* const> weights);
  void load(const kernels::KernelTable& table, const float* x, int64_t stride, int64_t row, int64_t n_rows);
  [[nodiscard]] const kernels::Activations& for_weight(const kernels::PackedMatrix& weight) const {
    return kernels::uses_quantized_activations(weight.type) ? codes_ : values_;
  }
  [[nodiscard]] int64_t n_rows() const { return n_rows_; }

 private:
  int64_t n_rows_ = 0;
  bool uses_codes_ = false, uses_values_ = false;
  std::byte *codes_memory_ = nullptr, *values_memory_ = nullptr;
  kernels::Activations codes_, values_;
};

struct Product {
  const Linear* linear = nullptr;
  float* y = nullptr;
  int64_t y_stride = 0;
  bool gelu = false;  // of the sum with the bias
};

// Rows of floats of a forward pass: where their address goes, and their width.
struct RowBuffer {
  float** rows;
  int64_t width;
};

// Borrows table and team; owns the memory of a forward pass. Nothing is allocated after allocate().
class Executor {
 public:
  // `sizes` were made for all matrices and the attention of the passes.
  Executor(const kernels::KernelTable& table, ThreadTeam& team, const ScratchSizes& sizes)
    : table_(table), team_(team), sizes_(sizes) {}
  // Also gives each buffer max_rows rows; kLimit when the system has not the memory.
  Status allocate(std::initializer_list<RowBuffer> buffers);
  // From now on `observer` is shown the rows of each load(), under the names of the matrices; both are borrowed.
  void watch(ActivationObserver* observer, const MatrixNames& names) {
    observer_ = observer;
    names_ = &names;
  }
  [[nodiscard]] int64_t max_rows() const { return sizes_.max_rows(); }
  [[nodiscard]] size_t memory_bytes() const { return memory_.size(); }

  // Prepares `n_rows` rows of x for products with `weights`. `prepare(begin, end)` is called for
  // ranges of rows right before they are read, on the thread that reads them.
  template <typename Prepare>
  void load(const float* x, int64_t stride, int64_t n_rows, std::initializer_list<const Linear*> weights,
            Prepare&& prepare) {
    operand_.shape(n_rows, weights);
    for_rows(n_rows, [&](int64_t begin, int64_t end) {
      prepare(begin, end);
      operand_.load(table_, x + begin * stride, stride, begin, end - begin);
    });
    if (observer_ != nullptr) show(x, stride, n_rows, weights);
  }
  // y = x * weight^T + bias of each product, x as it was loaded.
  void multiply(std::initializer_list<Product> products);
  // The same for one product whose rows go to places of their own, one for each row of x; as gated() it needs
  // ScratchSizes::fit_gated().
  void multiply_to(const Linear& linear, std::span<float* const> rows);
  // y = silu(x * gate^T + bias) * (x * up^T + bias), [rows of x, gate.rows].
  void gated(const Linear& gate, const Linear& up, float* y, int64_t y_stride);
  // Attention of up to kQueryTile queries of one KV head, on the calling thread, whose number is `thread`.
  static constexpr int64_t kQueryTile = ScratchSizes::kQueryTile;
  // The most rows (queries * heads of a KV head) of AttentionJob::decode.
  static constexpr int64_t kMaxDirectRows = 16;
  void attend(const kernels::AttentionJob& job, int64_t kv_head, int64_t query_begin, int64_t query_end,
              size_t thread) const {
    table_.attention(job, kv_head, query_begin, query_end, thread_memory(thread));
  }

  // body(begin, end) for ranges of rows; whole activation tiles, and few rows on this thread alone.
  template <typename Body>
  void for_rows(int64_t n_rows, Body&& body) {
    const int64_t share = n_rows / (static_cast<int64_t>(team_.n_threads()) * 4);
    const int64_t grain = (share / kernels::kActivationTile + 1) * kernels::kActivationTile;
    team_.parallel_for(n_rows, grain, [&](int64_t begin, int64_t end, size_t) { body(begin, end); });
  }
  // body(item, thread) for items that take long.
  template <typename Body>
  void for_items(int64_t n_items, Body&& body) {
    team_.parallel_for(n_items, 1, [&](int64_t begin, int64_t end, size_t thread) {
      for (int64_t i = begin; i < end; ++i) body(i, thread);
    });
  }

 private:
  [[nodiscard]] std::byte* thread_memory(size_t thread) const {
    return memory_.data() + threads_at_ + thread * thread_bytes_;
  }
  [[nodiscard]] float* gated_memory(size_t thread) const {
    return reinterpret_cast<float*>(thread_memory(thread) + sizes_.kernel_bytes());
  }
  [[nodiscard]] int64_t panel_grain(int64_t n_panels) const;
  // At most as many panels as a thread's memory takes with all rows.
  [[nodiscard]] int64_t gated_grain(int64_t n_panels) const {
    return std::min(panel_grain(n_panels), sizes_.gated_floats() / operand_.n_rows() / kernels::kPanelRows);
  }
  void multiply_panels(const Product& product, int64_t begin, int64_t end, size_t thread) const;
  void show(const float* x, int64_t stride, int64_t n_rows, std::span<const Linear* const> weights) const;

  const kernels::KernelTable& table_;
  ThreadTeam& team_;
  ScratchSizes sizes_;
  ActivationObserver* observer_ = nullptr;
  const MatrixNames* names_ = nullptr;
  Operand operand_;
  AlignedBuffer memory_;  // as ScratchSizes says
  size_t threads_at_ = 0, thread_bytes_ = 0;  // in memory_
};

}  // namespace docmind::model
