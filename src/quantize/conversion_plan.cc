// ConversionPlan: what becomes of each tensor of a file, and how large the result is, before anything is written.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/conversion_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/limits.h"
#include "quantize/convert.h"

namespace docmind::quantize {
namespace {

constexpr std::string_view kArchitectures[] = {"llama", "qwen2", "qwen3", "bert"};

std::string name_of_type(uint32_t gguf_type) {
  const std::string_view name = kernels::gguf_type_name(gguf_type);
  return name.empty() ? fmt::format("type {}", gguf_type) : std::string(name);
}

bool is_float(kernels::TensorType type) {
  return type == kernels::TensorType::kF32 || type == kernels::TensorType::kF16 || type == kernels::TensorType::kBF16;
}

Status check_data(const gguf::File& file, const gguf::TensorInfo& tensor) {
  const auto type = kernels::find_tensor_type(tensor.gguf_type);
  if (!type) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("'{}': the tensor '{}' has {}; F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K and Q6_K can be "
                             "read", printable(file.path()), printable(tensor.name), name_of_type(tensor.gguf_type))};
  }
  const bool whole_rows = tensor.dims[0] > 0 && tensor.dims[0] % type->block_len == 0;
  if (whole_rows && tensor.data.size() == kernels::row_bytes(*type, tensor.n_elements())) return {};
  return Error{ErrorCode::kMalformed,
               fmt::format("'{}': the tensor '{}' has {} bytes, which are not {} elements of {} in rows of {}",
                           printable(file.path()), printable(tensor.name), tensor.data.size(), tensor.n_elements(),
                           type->name, tensor.dims[0])};
}

Result<PlannedTensor> plan_tensor(const gguf::File& file, const gguf::TensorInfo& tensor, const TensorChoice& choice) {
  DM_TRY(check_data(file, tensor));
  PlannedTensor planned{.tensor = &tensor, .from = *kernels::find_tensor_type(tensor.gguf_type)};
  planned.bytes_after = tensor.data.size();
  planned.to = planned.from;
  if (choice.keep) return planned;
  planned.why = choice.why;
  if (choice.type == planned.from.type) return planned;
  planned.copied = false;
  planned.to = kernels::tensor_type_info(choice.type);
  planned.bytes_after = kernels::row_bytes(planned.to, tensor.n_elements());
  if (!is_float(planned.from.type)) {
    planned.why += fmt::format("{}from {}, whose loss stays", planned.why.empty() ? "" : "; ", planned.from.name);
  }
  return planned;
}

size_t metadata_bytes(const gguf::File& file) {
  size_t n = kReportBytes;
  for (const gguf::MetadataEntry& entry : file.metadata()) {
    n += entry.key.size() + entry.bytes.size() + entry.array.bytes.size() + 32;  // and its type and lengths
  }
  for (const gguf::TensorInfo& tensor : file.tensors()) n += tensor.name.size() + 64 + 32;  // its row, and padding
  return n;
}

}  // namespace

TensorFacts facts_of(const gguf::TensorInfo& tensor) {
  TensorFacts facts{.name = tensor.name, .n_dims = tensor.n_dims};
  std::ranges::copy(tensor.dims, facts.dims);
  return facts;
}

Result<ModelFacts> read_model_facts(const gguf::File& file) {
  ModelFacts facts;
  facts.architecture = file.architecture();
  if (std::ranges::find(kArchitectures, facts.architecture) == std::end(kArchitectures)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("'{}' is of the architecture '{}'; llama, qwen2, qwen3 and bert can be quantized",
                             printable(file.path()), printable(facts.architecture))};
  }
  const std::string at = facts.architecture + ".";
  DM_ASSIGN(facts.n_layers, file.integer(at + "block_count"));
  if (facts.n_layers < 1 || facts.n_layers > model::kMaxLayers) {
    return Error{ErrorCode::kMalformed, fmt::format("'{}': '{}block_count' is {}; 1 to {} are possible",
                                                    printable(file.path()), at, facts.n_layers, model::kMaxLayers)};
  }
  DM_ASSIGN(facts.n_heads, file.integer(at + "attention.head_count"));
  DM_ASSIGN(facts.n_kv_heads, file.integer_or(at + "attention.head_count_kv", facts.n_heads));
  facts.tied = facts.architecture != "bert" && file.find_tensor("output.weight") == nullptr;
  return facts;
}

Result<ConversionPlan> plan_conversion(const gguf::File& file, Scheme scheme, Level level) {
  DM_ASSIGN(const ModelFacts model, read_model_facts(file));
  std::vector<TensorFacts> facts;
  facts.reserve(file.tensors().size());
  for (const gguf::TensorInfo& tensor : file.tensors()) facts.push_back(facts_of(tensor));
  DM_ASSIGN(const std::vector<TensorChoice> choices, choose_types(model, facts, scheme, level));
  ConversionPlan plan;
  for (size_t i = 0; i < choices.size(); ++i) {
    DM_ASSIGN(PlannedTensor planned, plan_tensor(file, file.tensors()[i], choices[i]));
    plan.bytes_before += planned.tensor->data.size();
    plan.bytes_after += planned.bytes_after;
    plan.tensors.push_back(std::move(planned));
  }
  if (plan.tensors.empty()) {
    return Error{ErrorCode::kMalformed, fmt::format("'{}' has no tensors", printable(file.path()))};
  }
  plan.file_bytes = plan.bytes_after + metadata_bytes(file);
  return plan;
}

}  // namespace docmind::quantize
