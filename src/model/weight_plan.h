// WeightPlan: finds a model's tensors, checks them, and packs them into one piece of memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/packed_matrix.h"
#include "model/decoder.h"
#include "model/matrix_names.h"
#include "model/matrix_packer.h"

namespace docmind::model {

// A matrix, with its bias where the file has one.
struct Linear {
  kernels::PackedMatrix weight;
};

// Which rows of a tensor are meant, and how many it must have.
struct RowRange {
  int64_t begin = 0;
  int64_t n = 0;
  int64_t n_total = 0;
};

// First name every tensor, then pack(). What a call is to fill is filled by pack() and must stay at its
// place until then. Names are checked at once: kMalformed for a tensor that is missing or has another
// shape than the metadata implies, kUnsupported for a type we cannot compute with. Borrows the file.
class WeightPlan {
 public:
  // Matrices are packed as `quantize` says; `names`, unless null, gets what they are called. Borrows both.
  explicit WeightPlan(const gguf::File& file, QuantizeOnLoad quantize = QuantizeOnLoad::kNone,
                      MatrixNames* names = nullptr)
    : file_(file), quantize_(quantize), names_(names) {}

  [[nodiscard]] bool has(std::string_view name) const { return file_.find_tensor(name) != nullptr; }
  // The tensor if it is [rows, cols] of a type that we read; not packed.
  [[nodiscard]] Result<const gguf::TensorInfo*> check(std::string_view name, int64_t rows, int64_t cols) const;

  [[nodiscard]] Status matrix(std::string_view name, RowRange rows, int64_t cols, kernels::PackedMatrix& out);
  [[nodiscard]] Status matrix(std::string_view name, int64_t rows, int64_t cols, kernels::PackedMatrix& out) {
    return matrix(name, {0, rows, rows}, cols, out);
  }
  // Elements [begin, begin + n) of a tensor of one row, as floats.
  [[nodiscard]] Status vector(std::string_view name, RowRange elements, const float*& out);
  [[nodiscard]] Status vector(std::string_view name, int64_t n, const float*& out) {
    return vector(name, {0, n, n}, out);
  }
  // The first row of a matrix, as floats.
  [[nodiscard]] Status first_row(std::string_view name, int64_t cols, const float*& out);
  // `n` zeros, for what a file may leave out.
  void zeros(int64_t n, const float*& out);
  // "<stem>.weight" and, where the file has it, "<stem>.bias".
  [[nodiscard]] Status linear(const std::string& stem, int64_t rows, int64_t cols, Linear& out);

  // Bytes of the packed weights.
  [[nodiscard]] size_t n_bytes() const { return n_bytes_; }
  // Matrices that are packed in another type than the file's.
  [[nodiscard]] int64_t n_quantized() const { return n_quantized_; }
  // Packs everything, tensor by tensor, each dropped from memory as it was read. kCancelled when `progress` says so,
  // kLimit without enough memory, kMalformed names a matrix that cannot be quantized since it has no finite numbers.
  [[nodiscard]] Result<AlignedBuffer> pack(const kernels::KernelTable& table, ThreadTeam& team,
                                           const LoadProgress& progress);

 private:
  struct PlannedMatrix {
    const gguf::TensorInfo* tensor;
    RowRange rows;
    size_t offset;  // in the packed memory
    kernels::PackedMatrix* out;
  };
  struct PlannedVector {
    const gguf::TensorInfo* tensor;  // null: zeros
    RowRange elements;
    size_t offset;
    const float** out;
  };

  size_t reserve(size_t n_bytes);
  [[nodiscard]] std::string place() const;  // "'model.gguf': the tensor"
  Status pack_matrix(const PlannedMatrix& planned, std::byte* memory, MatrixPacker& packer, size_t bytes_total,
                     size_t& bytes_done, const LoadProgress& progress) const;
  [[nodiscard]] MatrixSource source_of(const PlannedMatrix& planned) const;
  void pack_vector(const PlannedVector& planned, std::byte* memory) const;

  const gguf::File& file_;
  QuantizeOnLoad quantize_;
  MatrixNames* names_;
  std::vector<PlannedMatrix> matrices_;
  std::vector<PlannedVector> vectors_;
  size_t n_bytes_ = 0;
  int64_t n_quantized_ = 0;
};

}  // namespace docmind::model
