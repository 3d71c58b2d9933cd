// The loads of control_simulation: bursts, a rise, and questions of long context.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <random>

#include "control_plant.h"

namespace docmind::bench {
namespace {

constexpr double kLengthMs = 1'800'000;
constexpr double kMostPerS = 4;
constexpr int64_t kShortPassage = 400;
constexpr int64_t kLongPassage = 1'600;

// Poisson arrivals whose rate changes with time, by thinning.
Load make_load(std::string name, unsigned seed, const std::function<double(double)>& per_s, double long_share) {
  Load load{.name = std::move(name), .length_ms = kLengthMs, .questions = {}};
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(kMostPerS / 1'000);
  std::uniform_real_distribution<double> unit(0, 1);
  std::uniform_int_distribution<int64_t> answer(48, 144);
  for (double at = gap(random); at < kLengthMs; at += gap(random)) {
    if (unit(random) * kMostPerS >= per_s(at)) continue;
    load.questions.push_back({.at_ms = at,
                              .passage_tokens = unit(random) < long_share ? kLongPassage : kShortPassage,
                              .answer_tokens = answer(random)});
  }
  return load;
}

}  // namespace

Load bursty_load() {
  // The bursts begin and last by chance, but the same for everybody.
  std::mt19937_64 random(11);
  std::vector<std::pair<double, double>> bursts;
  for (double at = 60'000; at < kLengthMs; at += 120'000) {
    const double begin = at + std::uniform_real_distribution<double>(-20'000, 20'000)(random);
    bursts.emplace_back(begin, begin + std::uniform_real_distribution<double>(20'000, 40'000)(random));
  }
  return make_load("bursty", 1, [bursts](double at) {
    const bool in_burst = std::ranges::any_of(bursts, [at](const auto& b) { return at >= b.first && at < b.second; });
    return in_burst ? 2.7 : 0.4;
  }, 0);
}

Load rising_load() {
  return make_load("rising", 2, [](double at) { return 0.1 + 2.9 * at / kLengthMs; }, 0);
}

Load long_context_load() {
  return make_load("long_context", 3, [](double) { return 1.0; }, 0.4);
}

}  // namespace docmind::bench
