// Pooling: one vector of a sequence's rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::model {

// out = the mean of `n_rows` rows [n_rows, n].
void mean_of_rows(const float* rows, int64_t n_rows, int64_t n, float* out);
// Gives x unit length; a vector of zeros stays one.
void normalise(float* x, int64_t n);

}  // namespace docmind::model
