// LogisticModel: the probability of an event from a few features, with ridge regularisation.
// SPDX-License-Identifier: Apache-2.0
#include "cache/logistic_model.h"

#include <algorithm>
#include <cmath>

namespace docmind::cache {
namespace {

constexpr int kMaxSteps = 30;
constexpr double kConverged = 1e-6;  // of the gain of a step, relative

// Rows standardised, with a 1 at the end.
struct Problem {
  size_t width = 0;  // with the intercept
  double ridge = 0;
  std::vector<double> rows;
  std::vector<double> labels;
  std::vector<double> mean;
  std::vector<double> scale;  // 0: the feature never varies
};

Problem standardise(const LabelledRows& rows, const std::vector<bool>& use, double ridge) {
  const size_t n_features = rows.width;
  Problem problem{.width = n_features + 1, .ridge = ridge, .rows = {}, .labels = {},
                  .mean = std::vector<double>(n_features), .scale = std::vector<double>(n_features)};
  const auto used = [&](size_t i) { return use.empty() || use[i]; };
  double n = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!used(i)) continue;
    n += 1;
    for (size_t k = 0; k < n_features; ++k) {
      const double x = rows.row(i)[k];
      const double before = x - problem.mean[k];  // Welford
      problem.mean[k] += before / n;
      problem.scale[k] += before * (x - problem.mean[k]);
    }
  }
  for (double& scale : problem.scale) {
    const double deviation = n > 0 ? std::sqrt(scale / n) : 0;
    scale = deviation > 1e-9 ? 1 / deviation : 0;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!used(i)) continue;
    for (size_t k = 0; k < n_features; ++k) {
      problem.rows.push_back((rows.row(i)[k] - problem.mean[k]) * problem.scale[k]);
    }
    problem.rows.push_back(1);
    problem.labels.push_back(rows.labels[i] ? 1 : 0);
  }
  return problem;
}

double dot(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// log(1 + exp(x)) without overflow.
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double loss(const Problem& problem, const std::vector<double>& weights) {
  double sum = 0;
  for (size_t i = 0; i < problem.labels.size(); ++i) {
    const double x = dot(&problem.rows[i * problem.width], weights.data(), problem.width);
    sum += softplus(x) - problem.labels[i] * x;
  }
  for (size_t k = 0; k + 1 < problem.width; ++k) {
    sum += problem.ridge / 2 * weights[k] * weights[k];
  }
  return sum;
}

// Solves matrix x = vector in place by Cholesky's factorisation; the matrix is symmetric, positive
// definite, row-major, its lower triangle used.
void solve(std::vector<double>& matrix, std::vector<double>& vector) {
  const size_t n = vector.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double rest = matrix[i * n + j] - dot(&matrix[i * n], &matrix[j * n], j);
      matrix[i * n + j] = i == j ? std::sqrt(std::max(rest, 1e-12)) : rest / matrix[j * n + j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    vector[i] = (vector[i] - dot(&matrix[i * n], vector.data(), i)) / matrix[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t j = i + 1; j < n; ++j) vector[i] -= matrix[j * n + i] * vector[j];
    vector[i] /= matrix[i * n + i];
  }
}

std::vector<double> newton_step(const Problem& problem, const std::vector<double>& weights) {
  const size_t n = problem.width;
  std::vector<double> hessian(n * n);
  std::vector<double> gradient(n);
  for (size_t i = 0; i < problem.labels.size(); ++i) {
    const double* row = &problem.rows[i * n];
    const double p = logistic(dot(row, weights.data(), n));
    const double curvature = p * (1 - p);
    for (size_t a = 0; a < n; ++a) {
      gradient[a] += (problem.labels[i] - p) * row[a];
      const double scaled = curvature * row[a];
      for (size_t b = 0; b <= a; ++b) hessian[a * n + b] += scaled * row[b];
    }
  }
  for (size_t a = 0; a < n; ++a) {
    const bool intercept = a + 1 == n;
    if (!intercept) gradient[a] -= problem.ridge * weights[a];
    hessian[a * n + a] += intercept ? 1e-9 : problem.ridge;
  }
  solve(hessian, gradient);
  return gradient;
}

}  // namespace

double logistic(double log_odds) {
  if (log_odds >= 0) return 1 / (1 + std::exp(-log_odds));
  const double odds = std::exp(log_odds);
  return odds / (1 + odds);
}

LogisticModel LogisticModel::fit(const LabelledRows& rows, const std::vector<bool>& use,
                                 double ridge) {
  const Problem problem = standardise(rows, use, ridge);
  std::vector<double> weights(problem.width);
  double before = loss(problem, weights);
  for (int step = 0; step < kMaxSteps && !problem.labels.empty(); ++step) {
    const std::vector<double> change = newton_step(problem, weights);
    double length = 1;
    double after = before;
    std::vector<double> next = weights;
    for (; length > 1e-4; length /= 2) {
      for (size_t k = 0; k < next.size(); ++k) next[k] = weights[k] + length * change[k];
      after = loss(problem, next);
      if (after <= before) break;
    }
    if (!(after <= before)) break;
    weights = next;
    const bool done = before - after <= kConverged * (1 + before);
    before = after;
    if (done) break;
  }
  LogisticModel model;
  double intercept = weights.back();
  for (size_t k = 0; k + 1 < problem.width; ++k) {
    model.weights_.push_back(weights[k] * problem.scale[k]);
    intercept -= model.weights_[k] * problem.mean[k];
  }
  model.weights_.push_back(intercept);
  return model;
}

double LogisticModel::log_odds(std::span<const double> row) const {
  if (weights_.size() != row.size() + 1) return 0;
  return weights_.back() + dot(row.data(), weights_.data(), row.size());
}

}  // namespace docmind::cache
