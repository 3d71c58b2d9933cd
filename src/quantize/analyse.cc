// analyse: what each type would cost a model's weights, NF4 with and without double quantization among them.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/analyse.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "quantize/conversion_plan.h"
#include "quantize/format_sums.h"
#include "quantize/tensor_chunks.h"
#include "quantize/tensor_roles.h"

namespace docmind::quantize {
namespace {

constexpr Scheme kMixes[] = {Scheme::kQ5_K_M, Scheme::kQ5_K_S, Scheme::kQ4_K_M, Scheme::kQ4_K_S};
// Weights between two calls of `progress`.
constexpr int64_t kStepChunks = 64;

using Progress = std::function<bool(size_t bytes_done, size_t bytes_total)>;

struct MeasuredTensor {
  const gguf::TensorInfo* tensor;
  kernels::TensorType type;
  ErrorSums sums;
};

double relative_rms(double errors, double squares) { return squares > 0 ? std::sqrt(errors / squares) : 0; }

// Adds one format, or a mix of them, over all tensors.
class FormatTotal {
 public:
  explicit FormatTotal(std::string name, bool in_gguf) { out_.name = std::move(name), out_.in_gguf = in_gguf; }

  void add(const MeasuredTensor& tensor, size_t format) {
    const ErrorSums& sums = tensor.sums;
    const auto n = static_cast<double>(tensor.tensor->n_elements());
    n_weights_ += n;
    n_bits_ += n * kMeasuredFormats[format].bits_per_weight;
    errors_ += sums.errors[format];
    squares_ += sums.squares;
    out_.largest_error = std::max(out_.largest_error, sums.largest[format]);
    const double rms = relative_rms(sums.errors[format], sums.squares);
    if (!out_.worst_tensor.empty() && rms <= out_.worst_relative_rms) return;
    out_.worst_relative_rms = rms;
    out_.worst_tensor = tensor.tensor->name;
  }

  FormatError total() && {
    out_.bits_per_weight = n_weights_ > 0 ? n_bits_ / n_weights_ : 0;
    out_.n_bytes = static_cast<size_t>(std::llround(n_bits_ / 8));
    out_.relative_rms = relative_rms(errors_, squares_);
    return std::move(out_);
  }

 private:
  FormatError out_;
  double n_weights_ = 0, n_bits_ = 0, errors_ = 0, squares_ = 0;
};

// Reads the tensors that quantizing touches and whose rows all formats divide.
class Analyser {
 public:
  Analyser(const gguf::File& file, FormatSums& sums, const Progress& progress)
    : file_(file), sums_(sums), progress_(progress) {}

  Result<std::vector<MeasuredTensor>> measure() {
    std::vector<MeasuredTensor> tensors;
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      if (role_of(facts_of(tensor)) == Role::kKept || tensor.dims[0] % kErrorBlock != 0) continue;
      tensors.push_back({&tensor, static_cast<kernels::TensorType>(tensor.gguf_type), {}});
      bytes_total_ += tensor.data.size();
    }
    for (MeasuredTensor& tensor : tensors) DM_TRY(measure_tensor(tensor));
    return tensors;
  }

 private:
  // Calls body(first weight, part) for parts of a few MiB.
  template <typename Body>
  static Status for_each_part(const MeasuredTensor& tensor, const Body& body) {
    const auto info = kernels::tensor_type_info(tensor.type);
    const int64_t n = tensor.tensor->n_elements();
    for (int64_t begin = 0; begin < n; begin += kStepChunks * kChunkElements) {
      const int64_t n_part = std::min(kStepChunks * kChunkElements, n - begin);
      gguf::TensorInfo part = *tensor.tensor;
      part.data = part.data.subspan(kernels::row_bytes(info, begin), kernels::row_bytes(info, n_part));
      DM_TRY(body(begin, n_part, part));
    }
    return {};
  }

  // Twice over its weights: double quantization is about the mean scale of the whole tensor.
  Status measure_tensor(MeasuredTensor& tensor) {
    file_.prefetch(*tensor.tensor);
    double sum = 0;
    DM_TRY(for_each_part(tensor, [&](int64_t, int64_t n, const gguf::TensorInfo& part) -> Status {
      sum += sums_.sum_scales(tensor.type, part.data.data(), n);
      file_.drop(part);
      return {};
    }));
    const auto mean = static_cast<float>(sum / static_cast<double>(tensor.tensor->n_elements() / kNf4Block));
    DM_TRY(for_each_part(tensor, [&](int64_t begin, int64_t n, const gguf::TensorInfo& part) -> Status {
      const int64_t bad = sums_.add(tensor.type, part.data.data(), n, mean);
      file_.drop(part);
      if (bad >= 0) return unusable(tensor, begin + bad * kChunkElements);
      bytes_done_ += part.data.size();
      const bool goes_on = !progress_ || progress_(bytes_done_, bytes_total_);
      if (!goes_on) return Error{ErrorCode::kCancelled, "analysing was stopped"};
      return {};
    }));
    tensor.sums = sums_.take();
    return {};
  }

  Error unusable(const MeasuredTensor& tensor, int64_t begin) const {
    return Error{ErrorCode::kMalformed,
                 fmt::format("'{}': the tensor '{}' holds a value among the {} from element {} on that is not finite "
                             "or beyond what F16 can hold", printable(file_.path()), printable(tensor.tensor->name),
                             std::min(kChunkElements, tensor.tensor->n_elements() - begin), begin)};
  }

  const gguf::File& file_;
  FormatSums& sums_;
  const Progress& progress_;
  size_t bytes_done_ = 0, bytes_total_ = 0;
};

size_t format_of(kernels::TensorType type) {
  const auto* const found =
      std::ranges::find(kMeasuredFormats, std::optional(type), &MeasuredFormat::type);
  return static_cast<size_t>(found - kMeasuredFormats.begin());
}

// A mix stores each tensor in one of the formats, so its sums are known already.
Result<FormatError> total_of_mix(const gguf::File& file, std::span<const MeasuredTensor> tensors, Scheme scheme) {
  DM_ASSIGN(const ModelFacts model, read_model_facts(file));
  std::vector<TensorFacts> facts;
  for (const MeasuredTensor& tensor : tensors) facts.push_back(facts_of(*tensor.tensor));
  DM_ASSIGN(const std::vector<TensorChoice> choices, choose_types(model, facts, scheme, Level::kBalanced));
  FormatTotal total(std::string(scheme_name(scheme)), true);
  for (size_t i = 0; i < tensors.size(); ++i) total.add(tensors[i], format_of(choices[i].type));
  return std::move(total).total();
}

}  // namespace

Result<Analysis> analyse(const gguf::File& file, const kernels::KernelTable& table, ThreadTeam& team,
                         const std::function<bool(size_t bytes_done, size_t bytes_total)>& progress) {
  // Checks every tensor.
  if (const auto plan = plan_conversion(file, Scheme::kQ4_K_M, Level::kBalanced); !plan.ok()) return plan.error();
  DM_ASSIGN(FormatSums sums, FormatSums::create(table, team));
  DM_ASSIGN(const std::vector<MeasuredTensor> tensors, Analyser(file, sums, progress).measure());
  if (tensors.empty()) {
    return Error{ErrorCode::kUnsupported, fmt::format("'{}' has no matrix whose rows are whole blocks of {}",
                                                      printable(file.path()), kErrorBlock)};
  }
  Analysis analysis;
  analysis.n_tensors = static_cast<int64_t>(tensors.size());
  for (const MeasuredTensor& tensor : tensors) analysis.n_weights += tensor.tensor->n_elements();
  for (size_t i = 0; i < kMeasuredFormats.size(); ++i) {
    FormatTotal total(std::string(kMeasuredFormats[i].name), kMeasuredFormats[i].type.has_value());
    for (const MeasuredTensor& tensor : tensors) total.add(tensor, i);
    analysis.formats.push_back(std::move(total).total());
  }
  for (const Scheme mix : kMixes) {
    DM_ASSIGN(FormatError total, total_of_mix(file, tensors, mix));
    analysis.formats.push_back(std::move(total));
  }
  std::ranges::stable_sort(analysis.formats, std::greater(), &FormatError::relative_rms);
  return analysis;
}

json::object analysis_to_json(const Analysis& analysis) {
  json::array formats;
  for (const FormatError& format : analysis.formats) {
    formats.push_back(json::object{{"name", format.name},
                                   {"in_gguf", format.in_gguf},
                                   {"bits_per_weight", format.bits_per_weight},
                                   {"bytes", format.n_bytes},
                                   {"relative_rms", format.relative_rms},
                                   {"worst_relative_rms", format.worst_relative_rms},
                                   {"worst_tensor", to_valid_utf8(format.worst_tensor)},
                                   {"largest_error", format.largest_error}});
  }
  return json::object{
      {"weights", analysis.n_weights}, {"tensors", analysis.n_tensors}, {"formats", std::move(formats)}};
}

}  // namespace docmind::quantize
