// FormatSums: what each way to store a tensor would cost it, summed over its weights on all threads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/thread_team.h"
#include "kernels/kernels.h"
#include "quantize/nf4.h"

namespace docmind::quantize {

struct MeasuredFormat {
  std::string_view name;
  double bits_per_weight;
  std::optional<kernels::TensorType> type;  // none: NF4
};
inline constexpr std::array<MeasuredFormat, 8> kMeasuredFormats = {{
    {"F16", 16, kernels::TensorType::kF16},
    {"Q8_0", 8.5, kernels::TensorType::kQ8_0},
    {"Q6_K", 6.5625, kernels::TensorType::kQ6_K},
    {"Q5_K", 5.5, kernels::TensorType::kQ5_K},
    {"Q4_K", 4.5, kernels::TensorType::kQ4_K},
    {"Q4_0", 4.5, kernels::TensorType::kQ4_0},
    {"NF4", kNf4Bits, std::nullopt},
    {"NF4 + double quantization", kNf4DoubleBits, std::nullopt},
}};
inline constexpr size_t kNf4Format = 6, kNf4DoubleFormat = 7;

// Weights that are compared with the largest among them.
inline constexpr int64_t kErrorBlock = 256;

struct ErrorSums {
  double squares = 0;                                    // of the weights
  std::array<double, kMeasuredFormats.size()> errors{};  // squared, by format
  std::array<double, kMeasuredFormats.size()> largest{}; // error of a weight / largest of its kErrorBlock
};

// For one thread; holds less than a MiB a thread of the team.
class FormatSums {
 public:
  static Result<FormatSums> create(const kernels::KernelTable& table, ThreadTeam& team);

  // Adds `n` weights, a multiple of kErrorBlock, which begin with a group of NF4's scales; `mean_scale` is the
  // tensor's. Returns the index of a chunk with a value that is not finite or beyond F16; -1 when there is none.
  [[nodiscard]] int64_t add(kernels::TensorType type, const std::byte* weights, int64_t n, float mean_scale);
  // What was added since the last call.
  [[nodiscard]] ErrorSums take();

  // The sum of the NF4 scales of `n` weights.
  [[nodiscard]] double sum_scales(kernels::TensorType type, const std::byte* weights, int64_t n);

 private:
  struct Desk {  // of one thread
    float* weights;
    float* stored;  // what they become
    float* scales;
    float* stored_scales;
    std::byte* blocks;
    std::byte* scratch;
  };
  FormatSums(const kernels::KernelTable& table, ThreadTeam& team) : table_(&table), team_(&team) {}
  [[nodiscard]] Desk desk(size_t thread) const;
  [[nodiscard]] bool add_chunk(kernels::TensorType type, const std::byte* weights, int64_t n, float mean_scale,
                               size_t thread);
  static void add_format(const Desk& desk, size_t format, int64_t n, ErrorSums& sums);

  const kernels::KernelTable* table_;
  ThreadTeam* team_;
  size_t desk_bytes_ = 0;
  AlignedBuffer desks_;
  std::vector<ErrorSums> sums_;  // of each thread
};

}  // namespace docmind::quantize
