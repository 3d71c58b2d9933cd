// What a run of the repeating workload gave, as a table and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"

namespace docmind::bench {

// Of requests: on the clock and of the thread alone, which other programs on the machine do not count in.
struct Times {
  std::vector<double> ms;
  std::vector<double> cpu_ms;
  void add(double wall, double cpu) {
    ms.push_back(wall);
    cpu_ms.push_back(cpu);
  }
};

// One pass over all requests.
struct Run {
  Times exact, near, miss, uncached;
  size_t n_wrong = 0;        // near hits
  size_t n_other_topic = 0;  // near hits, wrong or not
  size_t n_stale = 0;        // hits whose passages read otherwise now
  size_t n_revalidated = 0;
  size_t n_declined = 0;     // hits that say that the manual has no answer
  size_t n_prompt_tokens = 0, n_answer_tokens = 0;  // not spent
  double ms = 0, uncached_ms = 0, cpu_ms = 0, uncached_cpu_ms = 0;
  [[nodiscard]] size_t n_hits() const { return exact.ms.size() + near.ms.size(); }
  [[nodiscard]] size_t n_requests() const { return n_hits() + miss.ms.size(); }
  [[nodiscard]] double hit_rate() const {
    return static_cast<double>(n_hits()) / static_cast<double>(n_requests());
  }
  [[nodiscard]] double wrong_share() const {
    return static_cast<double>(n_wrong) / static_cast<double>(std::max<size_t>(n_hits(), 1));
  }
};

// Prints the run and returns its figures. `exact_rate`: hits of a cache that knows only repeats word by word.
json::object show_run(const std::string& title, const Run& run, double exact_rate);

}  // namespace docmind::bench
