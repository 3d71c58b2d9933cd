// LogisticModel: the probability of an event from a few features, with ridge regularisation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace docmind::cache {

// Rows of features with labels, row-major [n, width].
struct LabelledRows {
  size_t width = 0;
  std::vector<double> features;
  std::vector<bool> labels;
  [[nodiscard]] size_t size() const { return labels.size(); }
  [[nodiscard]] std::span<const double> row(size_t i) const {
    return {features.data() + i * width, width};
  }
};

// Immutable once fitted; any number of threads may read it.
class LogisticModel {
 public:
  // Maximises the likelihood less ridge/2 times the squared weights of the standardised features (not
  // of the intercept), by Newton's method with step halving (iteratively reweighted least squares).
  // Uses only the rows with use[i]; all when `use` is empty. A feature that never varies gets weight 0.
  [[nodiscard]] static LogisticModel fit(const LabelledRows& rows, const std::vector<bool>& use,
                                         double ridge);

  // Log of the odds. 0 when nothing was fitted.
  [[nodiscard]] double log_odds(std::span<const double> row) const;
  [[nodiscard]] const std::vector<double>& weights() const { return weights_; }

 private:
  std::vector<double> weights_;  // of the features as they are, the intercept last
};

[[nodiscard]] double logistic(double log_odds);

}  // namespace docmind::cache
