// Row functions of every instruction set against the formulas in double precision.
//
// Tolerances are rounding errors: kEpsilon (2^-23) is twice what one operation can be off. Sums are kept
// in at least 16 lanes (scalar code: in double), so a sum of n terms adds at most n / 16 roundings.
// Every row lies at the end of its page: a step beyond it would crash.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "kernels/edge_memory.h"
#include "kernels/half.h"
#include "kernels/random_matrix.h"

namespace docmind {
namespace {

using kernels::Half;
using kernels::Isa;
using kernels::KernelTable;
using test::EdgeRow;
using Floats = std::vector<float>;

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

double sum_roundings(size_t n) {
  return kEpsilon * (8.0 + static_cast<double>(n) / 16);
}

class Rows : public testing::TestWithParam<Isa> {
 protected:
  // Every length up to 70 has its own mix of whole and broken vectors; the others are models' widths.
  static std::vector<size_t> lengths() {
    std::vector<size_t> all(70);
    std::iota(all.begin(), all.end(), size_t{1});
    all.insert(all.end(), {127, 128, 384, 1000, 1024, 4096});
    return all;
  }
  Floats random(size_t n, float mean = 0, float spread = 1) {
    std::normal_distribution<float> normal(mean, spread);
    Floats values(n);
    for (float& value : values) value = normal(generator);
    return values;
  }
  // Each |actual - expected| against its tolerance; what the worst used of it is in the test's report.
  void expect_close(const Floats& actual, const std::vector<double>& expected, const std::vector<double>& tolerance) {
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      const double error = std::abs(actual[i] - expected[i]);
      ASSERT_LE(error, tolerance[i]) << "at " << i << " of " << actual.size() << ": " << actual[i] << " instead of "
                                     << expected[i];
      if (tolerance[i] > 0) worst = std::max(worst, error / tolerance[i]);
    }
  }
  void TearDown() override { RecordProperty("worst_share_of_tolerance", std::to_string(worst)); }

  const KernelTable& table = *kernels::kernel_table(GetParam()).value();
  std::mt19937 generator{17};
  double worst = 0;
};

TEST_P(Rows, RmsNorm) {
  for (const size_t n : lengths()) {
    const Floats x = random(n, 0.5f, 3), gain = random(n);
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * value;
    const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-6);
    std::vector<double> expected(n), tolerance(n);
    for (size_t i = 0; i < n; ++i) {
      expected[i] = x[i] * factor * gain[i];
      tolerance[i] = sum_roundings(n) * std::abs(expected[i]);
    }
    const EdgeRow<float> in(x), gains(gain), out(n);
    table.rms_norm(in.data(), gains.data(), static_cast<int64_t>(n), 1e-6f, out.data());
    expect_close(out.values(), expected, tolerance);
    table.rms_norm(in.data(), gains.data(), static_cast<int64_t>(n), 1e-6f, in.data());
    EXPECT_EQ(in.values(), out.values()) << "in place";
  }
}

// With a mean 50 times the spread, which one-pass formulas do not survive.
TEST_P(Rows, LayerNorm) {
  for (const size_t n : lengths()) {
    const Floats x = random(n, 50, 1), gain = random(n), bias = random(n);
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(n);
    double squares = 0;
    for (const float value : x) squares += (value - mean) * (value - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
    std::vector<double> expected(n), tolerance(n);
    for (size_t i = 0; i < n; ++i) {
      expected[i] = (x[i] - mean) * factor * gain[i] + bias[i];
      // The mean is off by its sum's roundings; so is what is left after it is taken away.
      tolerance[i] = sum_roundings(n) * ((std::abs(x[i]) + mean) * factor * std::abs(gain[i]) + std::abs(bias[i]));
    }
    const EdgeRow<float> in(x), gains(gain), biases(bias), out(n);
    table.layer_norm(in.data(), gains.data(), biases.data(), static_cast<int64_t>(n), 1e-5f, out.data());
    expect_close(out.values(), expected, tolerance);
    table.layer_norm(in.data(), gains.data(), biases.data(), static_cast<int64_t>(n), 1e-5f, in.data());
    EXPECT_EQ(in.values(), out.values()) << "in place";
  }
}

TEST_P(Rows, NormsOfZerosAreZeros) {
  const Floats zeros(37), ones(37, 1);
  Floats out(37, 1);
  table.rms_norm(zeros.data(), ones.data(), 37, 1e-6f, out.data());
  EXPECT_EQ(out, zeros);
  const Floats equal(37, 3);
  table.layer_norm(equal.data(), ones.data(), zeros.data(), 37, 1e-6f, out.data());
  for (const float value : out) EXPECT_NEAR(value, 0, 1e-3 * kEpsilon * 37 / std::sqrt(1e-6));
}

TEST_P(Rows, AddAndScaleRoundOnce) {
  for (const size_t n : lengths()) {
    const Floats x = random(n), y = random(n);
    Floats sum(n), scaled(n);
    for (size_t i = 0; i < n; ++i) {
      sum[i] = x[i] + y[i];
      scaled[i] = x[i] * 0.3f;
    }
    const EdgeRow<float> a(x), b(y), c(x);
    table.add(a.data(), b.data(), static_cast<int64_t>(n));
    table.scale(c.data(), 0.3f, static_cast<int64_t>(n));
    ASSERT_EQ(a.values(), sum);
    ASSERT_EQ(c.values(), scaled);
  }
}

// exp(89) is no float any more, so the smallest answers become 0.
constexpr double kVanishing = 100 * 1.2e-38;

TEST_P(Rows, SiluMul) {
  for (const size_t n : lengths()) {
    Floats gate = random(n, 0, 10);
    const Floats up = random(n);
    const Floats special = {0.0f, -0.0f, -87.3f, -88.9f, -100.0f, -3e4f, 1e-30f, 3e4f, -kInfinity / 2};
    for (size_t i = 0; i + 1 < special.size() && i < n && n > 60; ++i) gate[i] = special[i];
    std::vector<double> expected(n), tolerance(n);
    for (size_t i = 0; i < n; ++i) {
      expected[i] = gate[i] / (1 + std::exp(-static_cast<double>(gate[i]))) * up[i];
      tolerance[i] = 4 * kEpsilon * std::abs(expected[i]) + kVanishing * std::abs(up[i]);
    }
    const EdgeRow<float> gates(gate), ups(up);
    table.silu_mul(gates.data(), ups.data(), static_cast<int64_t>(n));
    expect_close(gates.values(), expected, tolerance);
  }
}

TEST_P(Rows, Gelu) {
  for (const size_t n : lengths()) {
    Floats x = random(n, 0, 3);
    const Floats special = {0.0f, -0.0f, -5.0f, -8.0f, -10.0f, -1e3f, -1e15f, 1e-30f, 1e15f};
    for (size_t i = 0; i < special.size() && i < n && n > 60; ++i) x[i] = special[i];
    std::vector<double> expected(n), tolerance(n);
    for (size_t i = 0; i < n; ++i) {
      const double v = x[i];
      const double u = std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
      // 1 + tanh(u), without losing its digits where u is negative
      expected[i] = 0.5 * v * (2 / (1 + std::exp(-2 * u)));
      // exp's argument, 2 u, is off by about two roundings of itself.
      tolerance[i] = kEpsilon * (4 + 4 * std::min(std::abs(u), 100.0)) * std::abs(expected[i]) + kVanishing;
    }
    const EdgeRow<float> row(x);
    table.gelu(row.data(), static_cast<int64_t>(n));
    expect_close(row.values(), expected, tolerance);
  }
}

TEST_P(Rows, RopeTurnsPairsAndLeavesTheRest) {
  for (const bool neox : {false, true}) {
    for (const size_t n_rot : {2, 4, 8, 14, 32, 48, 64, 66, 96, 128, 160}) {
      for (const size_t rest : {size_t{0}, size_t{24}}) {
        const Floats head = random(n_rot + rest);
        Floats turns(n_rot);
        std::vector<double> expected(head.begin(), head.end()), tolerance(head.size());
        for (size_t i = 0; i < n_rot / 2; ++i) {
          const double angle = 0.37 * static_cast<double>(i + 1);
          turns[2 * i] = static_cast<float>(std::cos(angle));
          turns[2 * i + 1] = static_cast<float>(std::sin(angle));
          const size_t first = neox ? i : 2 * i, second = neox ? i + n_rot / 2 : 2 * i + 1;
          const double a = head[first], b = head[second];
          expected[first] = a * turns[2 * i] - b * turns[2 * i + 1];
          expected[second] = a * turns[2 * i + 1] + b * turns[2 * i];
          tolerance[first] = tolerance[second] = kEpsilon * (std::abs(a) + std::abs(b));
        }
        const EdgeRow<float> row(head), cos_sin(turns);
        table.rope(row.data(), cos_sin.data(), static_cast<int64_t>(n_rot), neox);
        expect_close(row.values(), expected, tolerance);
      }
    }
  }
}

std::vector<double> exact_softmax(const Floats& x) {
  const double top = *std::max_element(x.begin(), x.end());
  std::vector<double> weights;
  for (const float value : x) weights.push_back(std::exp(value - top));
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

TEST_P(Rows, Softmax) {
  for (const size_t n : lengths()) {
    for (const float mean : {0.0f, -5000.0f}) {
      const Floats x = random(n, mean, 20);
      const std::vector<double> expected = exact_softmax(x);
      const float top = *std::max_element(x.begin(), x.end());
      std::vector<double> tolerance(n);
      for (size_t i = 0; i < n; ++i) {
        tolerance[i] = (sum_roundings(n) + kEpsilon * (top - x[i])) * expected[i] + 1.2e-38;
      }
      const EdgeRow<float> row(x);
      table.softmax(row.data(), static_cast<int64_t>(n));
      expect_close(row.values(), expected, tolerance);
    }
  }
}

TEST_P(Rows, SoftmaxOfSpecialRows) {
  Floats one = {-1e30f};
  table.softmax(one.data(), 1);
  EXPECT_EQ(one, Floats{1});
  Floats equal(64, -7e8f);
  table.softmax(equal.data(), 64);
  EXPECT_EQ(equal, Floats(64, 1.0f / 64));
  Floats hidden = {-kInfinity, 2, -kInfinity, 2};
  table.softmax(hidden.data(), 4);
  EXPECT_EQ(hidden, (Floats{0, 0.5f, 0, 0.5f}));
  table.softmax(nullptr, 0);
}

TEST_P(Rows, Dot) {
  for (const size_t n : lengths()) {
    const Floats x = random(n), y = random(n);
    double expected = 0, magnitude = 0;
    for (size_t i = 0; i < n; ++i) {
      expected += static_cast<double>(x[i]) * y[i];
      magnitude += std::abs(static_cast<double>(x[i]) * y[i]);
    }
    const EdgeRow<float> a(x), b(y);
    expect_close({table.dot(a.data(), b.data(), static_cast<int64_t>(n))}, {expected}, {sum_roundings(n) * magnitude});
  }
}

TEST_P(Rows, ArgmaxIsTheFirstOfTheLargest) {
  for (const size_t n : lengths()) {
    Floats x = random(n, -100, 1);
    for (const size_t at : {size_t{0}, n / 3, n / 2, n - 1}) {
      const Floats before = x;
      x[at] = -1;
      x[n - 1] = -1;
      const EdgeRow<float> row(x);
      ASSERT_EQ(table.argmax(row.data(), static_cast<int64_t>(n)), static_cast<int64_t>(at)) << "of " << n;
      x = before;
    }
    const EdgeRow<float> lowest(Floats(n, -kInfinity));
    ASSERT_EQ(table.argmax(lowest.data(), static_cast<int64_t>(n)), 0);
  }
}

TEST_P(Rows, FromHalfIsExactForEveryHalf) {
  std::vector<Half> halves(65536);
  std::iota(halves.begin(), halves.end(), Half{0});
  Floats floats(halves.size());
  table.from_half(halves.data(), 65536, floats.data());
  for (size_t i = 0; i < halves.size(); ++i) {
    const int exponent = static_cast<int>(i >> 10 & 31);
    const double mantissa = static_cast<double>(i & 1023);
    double expected = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if (exponent == 31) expected = mantissa == 0 ? kInfinity : std::nan("");
    if (i & 0x8000) expected = -expected;
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(floats[i])) << i;
    } else {
      ASSERT_EQ(floats[i], expected) << i;
      ASSERT_EQ(std::signbit(floats[i]), (i & 0x8000) != 0) << i;
    }
  }
}

// Every half, every middle between two neighbours, and both sides of it.
TEST_P(Rows, ToHalfRoundsToNearestEven) {
  for (uint32_t i = 0; i < 0x7c00; ++i) {
    const float low = kernels::half_to_float(static_cast<Half>(i));
    const float high = i == 0x7bff ? 65536.0f : kernels::half_to_float(static_cast<Half>(i + 1));
    const float middle = (low + high) / 2;
    const Floats x = {low, std::nextafter(middle, 0.0f), middle, std::nextafter(middle, kInfinity), -middle};
    const Half even = static_cast<Half>(i % 2 == 0 ? i : i + 1);
    const std::vector<Half> expected = {static_cast<Half>(i), static_cast<Half>(i), even, static_cast<Half>(i + 1),
                                        static_cast<Half>(even | 0x8000)};
    std::vector<Half> actual(x.size());
    table.to_half(x.data(), static_cast<int64_t>(x.size()), actual.data());
    ASSERT_EQ(actual, expected) << low;
  }
}

TEST_P(Rows, HalvesOfAnyLength) {
  for (const size_t n : lengths()) {
    Floats x = random(n, 0, 100);
    if (n > 5) x[2] = kInfinity, x[3] = -1e9f, x[4] = 1e-9f;
    std::vector<Half> expected;
    for (const float value : x) expected.push_back(kernels::float_to_half(value));
    const EdgeRow<float> in(x), back(n);
    const EdgeRow<Half> halves(n);
    table.to_half(in.data(), static_cast<int64_t>(n), halves.data());
    ASSERT_EQ(halves.values(), expected);
    table.from_half(halves.data(), static_cast<int64_t>(n), back.data());
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(back.values()[i], kernels::half_to_float(expected[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Rows, testing::ValuesIn(test::runnable_isas()),
                         [](const auto& test) { return std::string(kernels::isa_name(test.param)); });

}  // namespace
}  // namespace docmind
