// analyse: what each type would cost a model's weights, NF4 with and without double quantization among them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/thread_team.h"
#include "gguf/file.h"
#include "kernels/kernels.h"

namespace docmind::quantize {

// One way to store all matrices that quantizing touches.
struct FormatError {
  std::string name;            // "Q4_K", "NF4", "NF4 + double quantization", or a scheme's name
  double bits_per_weight = 0;  // of those matrices
  size_t n_bytes = 0;
  double relative_rms = 0;     // sqrt(sum of squared errors / sum of squares), of all weights
  double worst_relative_rms = 0;
  std::string worst_tensor;
  double largest_error = 0;    // of one weight, as a share of the largest of its 256
  bool in_gguf = true;         // NF4 is no GGUF type: for comparison only
};

struct Analysis {
  int64_t n_weights = 0, n_tensors = 0;
  std::vector<FormatError> formats;  // smallest error last
};
[[nodiscard]] json::object analysis_to_json(const Analysis& analysis);

// Streams every matrix that quantizing touches; those with rows that are no whole blocks of 256 are skipped in all
// formats alike. NF4: QLoRA, arXiv 2305.14314: 16 quantiles of the normal distribution, blocks of 64 with an absolute
// maximum as F32 or, double quantized, as 8 bits about the tensor's mean in groups of 256. The mixes q4_k_s to q5_k_m
// are among the formats. Errors as convert(); kUnsupported when no matrix is left.
Result<Analysis> analyse(const gguf::File& file, const kernels::KernelTable& table, ThreadTeam& team,
                         const std::function<bool(size_t bytes_done, size_t bytes_total)>& progress);

}  // namespace docmind::quantize
