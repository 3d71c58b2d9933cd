// convert: writes a model's tensors in other types, tensor by tensor, in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/convert.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "quantize/conversion_plan.h"
#include "quantize/tensor_converter.h"

namespace docmind::quantize {
namespace {

constexpr std::string_view kFileTypeKey = "general.file_type";
constexpr std::string_view kVersionKey = "general.quantization_version";
constexpr uint32_t kQuantizationVersion = 2;  // of the block layouts, as llama.cpp counts

bool is_replaced(std::string_view key) {
  return key == kFileTypeKey || key == kVersionKey || key == kReportKey || key.starts_with("split.");
}

void write_metadata(const gguf::File& in, gguf::Writer& out, const ConvertOptions& options) {
  for (const gguf::MetadataEntry& entry : in.metadata()) {
    if (!is_replaced(entry.key)) out.add(entry);
  }
  out.add(kFileTypeKey, file_type(options.scheme, options.level));
  out.add(kVersionKey, kQuantizationVersion);
  out.reserve(kReportKey, kReportBytes);
}

void declare_tensors(const ConversionPlan& plan, gguf::Writer& out) {
  for (const PlannedTensor& tensor : plan.tensors) {
    const gguf::TensorInfo& info = *tensor.tensor;
    out.declare({.name = std::string(info.name),
                 .dims = {info.dims, info.dims + std::max(info.n_dims, 1)},
                 .gguf_type = static_cast<uint32_t>(tensor.to.type)});
  }
}

// The weights of the tensor's columns; empty where they would change nothing.
Result<std::span<const float>> find_importance(const Importance* importance, const PlannedTensor& tensor) {
  using Columns = std::span<const float>;
  if (importance == nullptr || tensor.copied || tensor.to.block_len == 1) return Columns();
  const Columns columns = importance->find(tensor.tensor->name);
  const bool sound = std::ranges::all_of(columns, [](float value) { return std::isfinite(value) && value >= 0; });
  if (!columns.empty() && (!sound || static_cast<int64_t>(columns.size()) != tensor.tensor->dims[0])) {
    return Error{ErrorCode::kMismatch,
                 fmt::format("the importance of '{}' has {} values{}; its rows have {} columns",
                             printable(tensor.tensor->name), columns.size(),
                             sound ? "" : ", some negative or not finite", tensor.tensor->dims[0])};
  }
  // A matrix that was only multiplied with zeros: nothing is known of its columns.
  const bool all_zero = std::ranges::all_of(columns, [](float value) { return value == 0; });
  return all_zero ? Columns() : columns;
}

ConvertedTensor describe(const PlannedTensor& planned, bool weighted) {
  return {.name = std::string(planned.tensor->name),
          .n_elements = planned.tensor->n_elements(),
          .from = std::string(planned.from.name),
          .to = std::string(planned.to.name),
          .why = planned.why,
          .bytes_before = planned.tensor->data.size(),
          .bytes_after = planned.bytes_after,
          .weighted = weighted};
}

}  // namespace

Result<Conversion> convert(const gguf::File& in, gguf::Writer& out, const kernels::KernelTable& table, ThreadTeam& team,
                           const ConvertOptions& options) {
  const Stopwatch watch;
  DM_ASSIGN(const ConversionPlan plan, plan_conversion(in, options.scheme, options.level));
  write_metadata(in, out, options);
  declare_tensors(plan, out);
  DM_ASSIGN(TensorConverter converter, TensorConverter::create(in, out, table, team));
  Conversion conversion{.tensors = {}, .bytes_before = plan.bytes_before, .bytes_after = plan.bytes_after};
  size_t n_done = 0;
  for (const PlannedTensor& tensor : plan.tensors) {
    DM_ASSIGN(const std::span<const float> importance, find_importance(options.importance, tensor));
    DM_TRY(converter.convert(tensor, importance, [&](size_t n_bytes) {
      n_done += n_bytes;
      return !options.progress || options.progress(n_done, plan.bytes_before, tensor.tensor->name);
    }));
    conversion.tensors.push_back(describe(tensor, !importance.empty()));
    conversion.n_parameters += tensor.tensor->n_elements();
  }
  conversion.seconds = watch.elapsed_ms() / 1'000;
  return conversion;
}

}  // namespace docmind::quantize
