// LogitRow: the next-token distribution of one row of logits, and how far two of them are apart.
// SPDX-License-Identifier: Apache-2.0
#include "engine/logit_row.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace docmind::engine {
namespace {

// Fits into the first-level cache twice, and single sums over it lose nothing that counts.
constexpr int64_t kLogitBlock = 1'024;
constexpr float kFarBelow = -1e30f;  // so that nothing overflows; such tokens do not occur
using LogitBlock = std::array<float, static_cast<size_t>(kLogitBlock)>;

// The kernel's softmax of a block, and what it divided by: exp(x - largest) = block * sum.
struct BlockSoftmax {
  float largest = 0;
  double sum = 0;
};

BlockSoftmax softmax_block(const kernels::KernelTable& table, const float* logits, int64_t n, float* out) {
  const int64_t top = table.argmax(logits, n);
  std::copy_n(logits, n, out);
  table.softmax(out, n);
  return {.largest = logits[top], .sum = 1.0 / static_cast<double>(out[top])};
}

bool all_finite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000u;
  uint32_t worst = 0;
  for (const float value : values) worst = std::max(worst, std::bit_cast<uint32_t>(value) & kExponent);
  return worst != kExponent;
}

}  // namespace

Result<LogitRow> read_logit_row(const kernels::KernelTable& table, std::span<const float> logits) {
  if (logits.empty()) return Error{ErrorCode::kInvalidArgument, "a row of logits of no tokens"};
  if (!all_finite(logits)) {
    const auto bad = std::find_if_not(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); });
    return Error{ErrorCode::kMalformed,
                 fmt::format("the logit of token {} is {}, which is no number", bad - logits.begin(), *bad)};
  }
  const auto n = static_cast<int64_t>(logits.size());
  LogitRow row{.top = table.argmax(logits.data(), n)};
  row.largest = logits[static_cast<size_t>(row.top)];
  double sum = 0;
  LogitBlock block;
  for (int64_t begin = 0; begin < n; begin += kLogitBlock) {
    const BlockSoftmax part =
        softmax_block(table, logits.data() + begin, std::min(kLogitBlock, n - begin), block.data());
    sum += part.sum * std::exp(static_cast<double>(part.largest) - static_cast<double>(row.largest));
  }
  row.log_sum = std::log(sum);
  return row;
}

// With d = log p - log q up to a constant, KL is the mean of d under p and that constant. Both rows are taken from
// their largest logits first, where most of p is, so that d is small and loses nothing when it is rounded.
double divergence(const kernels::KernelTable& table, std::span<const float> p, float p_largest,
                  std::span<const float> q, const LogitRow& q_row) {
  const auto n = static_cast<int64_t>(std::min(p.size(), q.size()));
  double sum = 0, weighted = 0;  // of exp(p - p_largest), and of that times d
  LogitBlock weights, difference;
  for (int64_t begin = 0; begin < n; begin += kLogitBlock) {
    const int64_t n_block = std::min(kLogitBlock, n - begin);
    const float* p_block = p.data() + begin;
    const float* q_block = q.data() + begin;
    const BlockSoftmax part = softmax_block(table, p_block, n_block, weights.data());
    for (size_t i = 0; i < static_cast<size_t>(n_block); ++i) {
      difference[i] = std::max(p_block[i] - p_largest, kFarBelow) - std::max(q_block[i] - q_row.largest, kFarBelow);
    }
    const double share = part.sum * std::exp(static_cast<double>(part.largest) - static_cast<double>(p_largest));
    sum += share;
    weighted += share * static_cast<double>(table.dot(weights.data(), difference.data(), n_block));
  }
  const double kl = weighted / sum - std::log(sum) + q_row.log_sum;
  return kl < 0 ? 0 : kl;
}

}  // namespace docmind::engine
