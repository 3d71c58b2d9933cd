// WeightPlan: finds a model's tensors, checks them, and packs them into one piece of memory.
// SPDX-License-Identifier: Apache-2.0
#include "model/weight_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "kernels/kernels.h"
#include "model/quantize_on_load.h"

namespace docmind::model {
namespace {

// Of a tensor packed at a time: so much of the file is in memory twice.
constexpr size_t kPackBytes = size_t{4} << 20;
constexpr size_t kWeightAlignment = 64;

std::string shape_text(const gguf::TensorInfo& tensor) {
  std::string text;
  for (int d = std::max(tensor.n_dims, 1) - 1; d >= 0; --d) {
    text += fmt::format("{}{}", tensor.dims[d], d > 0 ? " x " : "");
  }
  return text;
}

std::string type_text(uint32_t gguf_type) {
  const std::string_view name = kernels::gguf_type_name(gguf_type);
  return name.empty() ? fmt::format("the unknown type {}", gguf_type) : fmt::format("the type {}", name);
}

}  // namespace

std::string WeightPlan::place() const {
  return fmt::format("'{}': the tensor", printable(file_.path()));
}

Result<const gguf::TensorInfo*> WeightPlan::check(std::string_view name, int64_t rows, int64_t cols) const {
  const gguf::TensorInfo* tensor = file_.find_tensor(name);
  if (tensor == nullptr) {
    return Error{ErrorCode::kMalformed, fmt::format("{} '{}' is missing", place(), printable(name))};
  }
  const auto type = kernels::find_tensor_type(tensor->gguf_type);
  if (!type) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{} '{}' has {}; F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K and Q6_K are supported", place(),
                             printable(name), type_text(tensor->gguf_type))};
  }
  if (tensor->dims[0] != cols || tensor->dims[1] != rows || tensor->dims[2] != 1 || tensor->dims[3] != 1) {
    return Error{ErrorCode::kMalformed, fmt::format("{} '{}' is {}; the metadata asks for {} x {}", place(),
                                                    printable(name), shape_text(*tensor), rows, cols)};
  }
  if (cols % type->block_len != 0 ||
      tensor->data.size() != static_cast<size_t>(rows) * kernels::row_bytes(*type, cols)) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("{} '{}' has {} bytes, which are not {} x {} elements of {}", place(), printable(name),
                             tensor->data.size(), rows, cols, type->name)};
  }
  return tensor;
}

size_t WeightPlan::reserve(size_t n_bytes) {
  const size_t offset = n_bytes_;
  n_bytes_ += (n_bytes + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
  return offset;
}

Status WeightPlan::matrix(std::string_view name, RowRange rows, int64_t cols, kernels::PackedMatrix& out) {
  DM_ASSIGN(const gguf::TensorInfo* tensor, check(name, rows.n_total, cols));
  const auto in_file = static_cast<kernels::TensorType>(tensor->gguf_type);
  const kernels::TensorType type = type_on_load(quantize_, name, in_file, cols);
  out = {.type = type, .rows = rows.n, .cols = cols, .data = nullptr};
  if (type != in_file) ++n_quantized_;
  if (names_ != nullptr) names_->add(out, tensor->name);
  matrices_.push_back({tensor, rows, reserve(kernels::packed_bytes(type, rows.n, cols)), &out});
  return {};
}

Status WeightPlan::vector(std::string_view name, RowRange elements, const float*& out) {
  DM_ASSIGN(const gguf::TensorInfo* tensor, check(name, 1, elements.n_total));
  vectors_.push_back({tensor, elements, reserve(static_cast<size_t>(elements.n_total) * sizeof(float)), &out});
  return {};
}

Status WeightPlan::first_row(std::string_view name, int64_t cols, const float*& out) {
  const gguf::TensorInfo* tensor = file_.find_tensor(name);
  DM_ASSIGN(tensor, check(name, tensor != nullptr ? tensor->dims[1] : 1, cols));
  vectors_.push_back({tensor, {0, cols, cols}, reserve(static_cast<size_t>(cols) * sizeof(float)), &out});
  return {};
}

void WeightPlan::zeros(int64_t n, const float*& out) {
  vectors_.push_back({nullptr, {0, n, n}, reserve(static_cast<size_t>(n) * sizeof(float)), &out});
}

Status WeightPlan::linear(const std::string& stem, int64_t rows, int64_t cols, Linear& out) {
  DM_TRY(matrix(stem + ".weight", rows, cols, out.weight));
  if (has(stem + ".bias")) DM_TRY(vector(stem + ".bias", rows, out.weight.bias));
  return {};
}

MatrixSource WeightPlan::source_of(const PlannedMatrix& planned) const {
  MatrixSource source{.type = static_cast<kernels::TensorType>(planned.tensor->gguf_type),
                      .rows = planned.rows.n,
                      .cols = planned.out->cols,
                      .data = planned.tensor->data.data()};
  source.data += static_cast<size_t>(planned.rows.begin) * source.row_bytes();
  return source;
}

Status WeightPlan::pack_matrix(const PlannedMatrix& planned, std::byte* memory, MatrixPacker& packer,
                               size_t bytes_total, size_t& bytes_done, const LoadProgress& progress) const {
  kernels::PackedMatrix& out = *planned.out;
  std::byte* to = memory + planned.offset;
  const MatrixSource source = source_of(planned);
  const std::span<const std::byte> data(source.data, source.n_bytes());
  const size_t panel = source.row_bytes() * kernels::kPanelRows;
  const auto step = static_cast<int64_t>(std::max<size_t>(kPackBytes / panel, packer.n_threads()));
  for (int64_t begin = 0; begin < out.n_panels(); begin += step) {
    const int64_t n = std::min(step, out.n_panels() - begin);
    if (!packer.pack(source, out.type, begin, begin + n, to)) {
      return Error{ErrorCode::kMalformed,
                   fmt::format("{} '{}' has weights that are no finite numbers, or too large for {}; it cannot be "
                               "quantized", place(), printable(planned.tensor->name),
                               kernels::tensor_type_info(out.type).name)};
    }
    gguf::TensorInfo read = *planned.tensor;
    const size_t first = static_cast<size_t>(begin) * panel;
    read.data = data.subspan(first, std::min(static_cast<size_t>(n) * panel, data.size() - first));
    file_.drop(read);
    bytes_done += read.data.size();
    if (progress && !progress(bytes_done, bytes_total)) {
      return Error{ErrorCode::kCancelled, fmt::format("loading '{}' was stopped", printable(file_.path()))};
    }
  }
  out.data = to;
  return {};
}

void WeightPlan::pack_vector(const PlannedVector& planned, std::byte* memory) const {
  auto* to = reinterpret_cast<float*>(memory + planned.offset);
  *planned.out = to + planned.elements.begin;
  if (planned.tensor == nullptr) return;  // the memory is zero
  const auto type = static_cast<kernels::TensorType>(planned.tensor->gguf_type);
  kernels::dequantize_row(type, planned.tensor->data.data(), planned.elements.n_total, to);
  file_.drop(*planned.tensor);
}

Result<AlignedBuffer> WeightPlan::pack(const kernels::KernelTable& table, ThreadTeam& team,
                                       const LoadProgress& progress) {
  MatrixPacker packer(table, team);
  size_t bytes_total = 0;
  int64_t widest = 0;  // of those that are quantized
  for (const PlannedMatrix& planned : matrices_) {
    const MatrixSource source = source_of(planned);
    bytes_total += source.n_bytes();
    if (source.type != planned.out->type) widest = std::max(widest, source.cols);
  }
  if (widest > 0) DM_TRY(packer.allocate(widest));
  DM_ASSIGN(AlignedBuffer memory, AlignedBuffer::allocate(n_bytes_));
  size_t bytes_done = 0;
  for (size_t i = 0; i < matrices_.size(); ++i) {
    if (i + 1 < matrices_.size()) file_.prefetch(*matrices_[i + 1].tensor);
    DM_TRY(pack_matrix(matrices_[i], memory.data(), packer, bytes_total, bytes_done, progress));
  }
  for (const PlannedVector& planned : vectors_) pack_vector(planned, memory.data());
  return memory;
}

}  // namespace docmind::model
