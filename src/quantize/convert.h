// convert: writes a model's tensors in other types, tensor by tensor, in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "kernels/kernels.h"
#include "quantize/importance.h"
#include "quantize/tensor_choice.h"

namespace docmind::quantize {

struct ConvertOptions {
  Scheme scheme = Scheme::kQ4_K_M;
  Level level = Level::kBalanced;
  const Importance* importance = nullptr;  // borrowed; null: none
  // Called from the calling thread with bytes of the source; returning false stops (kCancelled).
  std::function<bool(size_t bytes_done, size_t bytes_total, std::string_view tensor)> progress = {};
};

struct ConvertedTensor {
  std::string name;
  int64_t n_elements = 0;
  std::string from, to;  // type names
  std::string why;       // TensorChoice::why
  size_t bytes_before = 0, bytes_after = 0;
  bool weighted = false;  // by importance
};

struct Conversion {
  std::vector<ConvertedTensor> tensors;
  size_t bytes_before = 0, bytes_after = 0;  // of all tensors
  int64_t n_parameters = 0;
  double seconds = 0;
  [[nodiscard]] double bits_per_weight() const {
    return static_cast<double>(bytes_after) * 8 / static_cast<double>(n_parameters);
  }
};

// The room that the report of a conversion has in the file's metadata, and its key.
inline constexpr size_t kReportBytes = 32'768;
inline constexpr std::string_view kReportKey = "docmind.quantize.report";

// Copies the metadata of `in` (general.file_type and general.quantization_version are new, split.* is left out, and
// kReportKey is reserved), then writes all tensors to `out`, up to but not including Writer::complete(). Values that
// are not finite are kMalformed and name the tensor; a source type that cannot be read is kUnsupported.
Result<Conversion> convert(const gguf::File& in, gguf::Writer& out, const kernels::KernelTable& table, ThreadTeam& team,
                           const ConvertOptions& options);

}  // namespace docmind::quantize
