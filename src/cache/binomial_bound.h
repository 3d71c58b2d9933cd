// Exact bounds on a share from a finite sample.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace docmind::cache {

// The one-sided upper bound of Clopper and Pearson (1934): with at least the given confidence the
// share that `n_wrong` of `n` were drawn from lies at or below it. 1 when n is 0.
[[nodiscard]] double share_upper_bound(size_t n_wrong, size_t n, double confidence);

// An upper bound on the share among `n_next` further draws from the same source, likewise: the
// largest that the exact conditional test does not reject. Given n_wrong + k wrong among all
// n + n_next, which of them came first is hypergeometric (Thatcher, "Relationships between Bayesian
// and confidence limits for predictions", 1964). Lies above share_upper_bound, since the next sample
// fluctuates too. 1 when n is 0; 0 when n_next is 0.
[[nodiscard]] double next_share_upper_bound(size_t n_wrong, size_t n, size_t n_next,
                                            double confidence);

// The largest n_wrong of n with next_share_upper_bound(n_wrong, n, n, confidence) <= limit; -1 when
// not even 0 is small enough or n is 0.
[[nodiscard]] long most_wrong_allowed(size_t n, double limit, double confidence);

}  // namespace docmind::cache
