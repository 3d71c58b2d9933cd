// SentenceVectors: made-up unit vectors that lie as embeddings of sentences do, a row at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace docmind::bench {

// A row is what all texts share, its topic and what is its own, in these shares of its squared length:
// unrelated rows have a cosine of about 0.2, rows of a topic of about 0.6.
// Topic and own part lie in a space whose principal components have variances 1, 1/2, 1/3, ...
// turned at random. Gaussian rows have none of this: independent components, no neighbours.
class SentenceVectors {
 public:
  static constexpr double kCommonShare = 0.2, kTopicShare = 0.4;
  static constexpr size_t kTopics = 4'000;

  SentenceVectors(size_t dimension, bool gaussian, uint64_t seed)
      : dimension_(dimension), gaussian_(gaussian), seed_(seed) {
    if (gaussian) return;
    std::mt19937_64 random(seed);
    make_directions(random);
    common_ = own_part(random);
    for (size_t i = 0; i < kTopics; ++i) topics_.push_back(own_part(random));
  }

  // Always the same for one number.
  [[nodiscard]] std::vector<float> row(uint64_t number) const {
    std::mt19937_64 random(seed_ ^ (number * 0x9e3779b97f4a7c15 + 1));
    if (gaussian_) return own_part(random);
    const auto& topic = topics_[random() % kTopics];
    return joined(topic, own_part(random));
  }
  // Of a topic that no row has.
  [[nodiscard]] std::vector<float> stranger(std::mt19937_64& random) const {
    if (gaussian_) return own_part(random);
    const std::vector<float> topic = own_part(random);
    return joined(topic, own_part(random));
  }
  // A unit vector with this cosine to `row`: other words for the same.
  [[nodiscard]] std::vector<float> paraphrase(std::span<const float> row, double cosine,
                                              std::mt19937_64& random) const {
    std::vector<float> other = own_part(random);
    add(other, row, -dot(other, row));
    normalise(other);
    std::vector<float> result(dimension_);
    add(result, row, cosine);
    add(result, other, std::sqrt(1 - cosine * cosine));
    return result;
  }

 private:
  using Row = std::vector<float>;
  static constexpr size_t kDirections = 4'096;
  static constexpr size_t kDirectionsOfPart = 8;  // a part is a mix of so many: cheap, and as widely spread

  static double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  }
  static void add(Row& to, std::span<const float> x, double factor) {
    for (size_t i = 0; i < to.size(); ++i) to[i] += static_cast<float>(factor) * x[i];
  }
  static void normalise(Row& x) {
    const auto factor = static_cast<float>(1 / std::sqrt(dot(x, x)));
    for (float& value : x) value *= factor;
  }
  Row normal_row(std::mt19937_64& random) const {
    std::normal_distribution<float> normal;
    Row row(dimension_);
    for (float& value : row) value = normal(random);
    return row;
  }
  void make_directions(std::mt19937_64& random) {
    std::vector<Row> components;
    for (size_t i = 0; i < dimension_; ++i) components.push_back(normal_row(random));
    for (size_t i = 0; i < kDirections; ++i) {
      const Row weights = normal_row(random);
      directions_.emplace_back(dimension_);
      for (size_t c = 0; c < dimension_; ++c) {
        add(directions_.back(), components[c], weights[c] / std::sqrt(static_cast<double>(c + 1)));
      }
      normalise(directions_.back());
    }
  }
  Row own_part(std::mt19937_64& random) const {
    Row part = gaussian_ ? normal_row(random) : Row(dimension_);
    std::normal_distribution<double> normal;
    for (size_t i = 0; !gaussian_ && i < kDirectionsOfPart; ++i) {
      add(part, directions_[random() % kDirections], normal(random));
    }
    normalise(part);
    return part;
  }
  Row joined(const Row& topic, const Row& own) const {
    Row row(dimension_);
    add(row, common_, std::sqrt(kCommonShare));
    add(row, topic, std::sqrt(kTopicShare));
    add(row, own, std::sqrt(1 - kCommonShare - kTopicShare));
    normalise(row);
    return row;
  }

  size_t dimension_;
  bool gaussian_;
  uint64_t seed_;
  std::vector<Row> directions_;
  Row common_;
  std::vector<Row> topics_;
};

}  // namespace docmind::bench
