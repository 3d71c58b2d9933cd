// FormatSums: what each way to store a tensor would cost it, summed over its weights on all threads.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/format_sums.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "kernels/quantize.h"
#include "quantize/tensor_chunks.h"

namespace docmind::quantize {
namespace {

constexpr int64_t kScalesPerChunk = kChunkElements / kNf4Block;
static_assert(kChunkElements % (kNf4Block * kNf4Group) == 0, "a chunk holds whole groups of scales");

constexpr size_t kFloatBytes = kChunkElements * sizeof(float);
constexpr size_t kScaleBytes = kScalesPerChunk * sizeof(float);
constexpr size_t kBlockBytes = kChunkElements * sizeof(kernels::Half);  // F16 is the largest type
constexpr size_t kScratchAt = 2 * kFloatBytes + 2 * kScaleBytes + kBlockBytes;
static_assert(kScratchAt % 64 == 0);

// Calls body(chunk, n_weights, thread) for all chunks of `n` weights.
template <typename Body>
void for_each_chunk(ThreadTeam& team, int64_t n, const Body& body) {
  team.parallel_for((n + kChunkElements - 1) / kChunkElements, 1, [&](int64_t begin, int64_t end, size_t thread) {
    for (int64_t i = begin; i < end; ++i) body(i, std::min(kChunkElements, n - i * kChunkElements), thread);
  });
}

// Where a chunk begins.
const std::byte* chunk_of(kernels::TensorType type, const std::byte* weights, int64_t index) {
  return weights + kernels::row_bytes(kernels::tensor_type_info(type), index * kChunkElements);
}

}  // namespace

Result<FormatSums> FormatSums::create(const kernels::KernelTable& table, ThreadTeam& team) {
  FormatSums sums(table, team);
  sums.desk_bytes_ = (kScratchAt + kernels::quantize_scratch_bytes(kErrorBlock) + 63) / 64 * 64;
  DM_ASSIGN(sums.desks_, AlignedBuffer::allocate(sums.desk_bytes_ * team.n_threads()));
  sums.sums_.resize(team.n_threads());
  return sums;
}

FormatSums::Desk FormatSums::desk(size_t thread) const {
  std::byte* const at = desks_.data() + thread * desk_bytes_;
  auto* const floats = reinterpret_cast<float*>(at);
  return {.weights = floats,
          .stored = floats + kChunkElements,
          .scales = floats + 2 * kChunkElements,
          .stored_scales = floats + 2 * kChunkElements + kScalesPerChunk,
          .blocks = at + 2 * kFloatBytes + 2 * kScaleBytes,
          .scratch = at + kScratchAt};
}

void FormatSums::add_format(const Desk& desk, size_t format, int64_t n, ErrorSums& sums) {
  double total = 0;
  double worst = sums.largest[format];
  for (int64_t begin = 0; begin < n; begin += kErrorBlock) {
    float squares = 0;
    float error = 0;
    float largest = 0;
    for (int64_t i = begin; i < begin + kErrorBlock; ++i) {
      const float difference = desk.weights[i] - desk.stored[i];
      squares += difference * difference;
      error = std::max(error, std::abs(difference));
      largest = std::max(largest, std::abs(desk.weights[i]));
    }
    total += static_cast<double>(squares);
    if (largest > 0) worst = std::max(worst, static_cast<double>(error / largest));
  }
  sums.errors[format] += total;
  sums.largest[format] = worst;
}

bool FormatSums::add_chunk(kernels::TensorType type, const std::byte* weights, int64_t n, float mean_scale,
                           size_t thread) {
  const Desk at = desk(thread);
  ErrorSums& sums = sums_[thread];
  read_floats(*table_, type, weights, n, at.weights);
  for (int64_t i = 0; i < n; ++i) {
    const auto weight = static_cast<double>(at.weights[i]);
    sums.squares += weight * weight;
  }
  for (size_t format = 0; format < kNf4Format; ++format) {
    // No row is longer than a block of the largest type, so rows of any length are measured alike.
    const kernels::QuantizeJob job{.type = *kMeasuredFormats[format].type, .x = at.weights, .n_rows = n / kErrorBlock,
                                   .cols = kErrorBlock, .out = at.blocks};
    if (!table_->quantize_rows(job, at.scratch)) return false;
    read_floats(*table_, job.type, at.blocks, n, at.stored);
    add_format(at, format, n, sums);
  }
  nf4_scales(at.weights, n, at.scales);
  nf4_round_trip(at.weights, n, at.scales, at.scales, at.stored);
  add_format(at, kNf4Format, n, sums);
  nf4_store_scales({at.scales, static_cast<size_t>(n / kNf4Block)}, mean_scale, at.stored_scales);
  nf4_round_trip(at.weights, n, at.scales, at.stored_scales, at.stored);
  add_format(at, kNf4DoubleFormat, n, sums);
  return true;
}

int64_t FormatSums::add(kernels::TensorType type, const std::byte* weights, int64_t n, float mean_scale) {
  std::atomic<int64_t> bad = -1;
  for_each_chunk(*team_, n, [&](int64_t index, int64_t n_weights, size_t thread) {
    if (!add_chunk(type, chunk_of(type, weights, index), n_weights, mean_scale, thread)) bad = index;
  });
  return bad;
}

ErrorSums FormatSums::take() {
  ErrorSums all;
  for (ErrorSums& part : sums_) {
    all.squares += part.squares;
    for (size_t i = 0; i < kMeasuredFormats.size(); ++i) {
      all.errors[i] += part.errors[i];
      all.largest[i] = std::max(all.largest[i], part.largest[i]);
    }
    part = {};
  }
  return all;
}

double FormatSums::sum_scales(kernels::TensorType type, const std::byte* weights, int64_t n) {
  std::vector<double> sums(team_->n_threads());
  for_each_chunk(*team_, n, [&](int64_t index, int64_t n_weights, size_t thread) {
    const Desk at = desk(thread);
    read_floats(*table_, type, chunk_of(type, weights, index), n_weights, at.weights);
    nf4_scales(at.weights, n_weights, at.scales);
    for (int64_t i = 0; i < n_weights / kNf4Block; ++i) sums[thread] += static_cast<double>(at.scales[i]);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace docmind::quantize
