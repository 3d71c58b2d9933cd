// LogitRow: the next-token distribution of one row of logits, and how far two of them are apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "kernels/kernels.h"

namespace docmind::engine {

// p(i) = exp(logits[i] - largest - log_sum).
struct LogitRow {
  int64_t top = 0;     // the likeliest token, the first of equals
  float largest = 0;   // its logit
  double log_sum = 0;  // log of the sum of exp(logits[i] - largest)

  [[nodiscard]] double log_probability(float logit) const {
    return static_cast<double>(logit) - static_cast<double>(largest) - log_sum;
  }
};

// kMalformed names the first logit that is not finite, kInvalidArgument a row without any.
[[nodiscard]] Result<LogitRow> read_logit_row(const kernels::KernelTable& table, std::span<const float> logits);

// KL(p || q) in nats of two rows over one vocabulary; `p_largest` is the largest logit of p (or near it), `q_row` what
// was read of q. Exponentials are single, sums over blocks double: rounding leaves about 1e-8. Never below 0.
[[nodiscard]] double divergence(const kernels::KernelTable& table, std::span<const float> p, float p_largest,
                                std::span<const float> q, const LogitRow& q_row);

}  // namespace docmind::engine
