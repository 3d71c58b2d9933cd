// cache_policies: hit ratios of the memory tier beside textbook policies and the best possible.
// SPDX-License-Identifier: Apache-2.0
//
// bench_cache_policies: prints a table and a line of JSON; exit code 1 when the memory tier is more
// than a point below the textbook W-TinyLFU anywhere.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cache/memory_tier.h"
#include "cache_rivals.h"

namespace docmind::bench {
namespace {

constexpr size_t kRequests = 600'000;
constexpr uint32_t kKeys = 50'000;
constexpr double kTolerance = 0.01;

// Ranks from 0 on, rank r with a probability proportional to 1 / (r + 1)^s.
class Zipf {
 public:
  explicit Zipf(double s) {
    double sum = 0;
    for (uint32_t rank = 0; rank < kKeys; ++rank) {
      sums_.push_back(sum += std::pow(rank + 1.0, -s));
    }
  }
  template <typename Random>
  uint32_t operator()(Random& random) const {
    const double at = std::uniform_real_distribution<double>(0, sums_.back())(random);
    return static_cast<uint32_t>(std::upper_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

Trace zipf_trace(double s) {
  std::mt19937 random(1);
  const Zipf zipf(s);
  Trace trace(kRequests);
  for (uint32_t& key : trace) key = zipf(random);
  return trace;
}

// A third of the requests are runs of 3,000 keys that nobody asks for again.
Trace scan_trace() {
  std::mt19937 random(2);
  const Zipf zipf(0.9);
  Trace trace;
  uint32_t fresh = kKeys;
  while (trace.size() < kRequests) {
    for (int i = 0; i < 6'000; ++i) trace.push_back(zipf(random));
    for (int i = 0; i < 3'000; ++i) trace.push_back(fresh++);
  }
  return trace;
}

Trace loop_trace(size_t capacity) {
  Trace trace(kRequests);
  const size_t length = capacity + capacity / 5;
  for (size_t i = 0; i < trace.size(); ++i) trace[i] = static_cast<uint32_t>(i % length);
  return trace;
}

// What is popular is forgotten and other keys take its place, twelve times.
Trace shifting_trace() {
  std::mt19937 random(3);
  const Zipf zipf(1.0);
  Trace trace(kRequests);
  for (size_t i = 0; i < trace.size(); ++i) {
    const auto epoch = static_cast<uint32_t>(i / (kRequests / 12));
    trace[i] = (zipf(random) + epoch * 7'919) % kKeys;
  }
  return trace;
}

// New keys asked for four times within some hundred requests, and never again: nothing but a window
// helps here.
Trace burst_trace(size_t capacity) {
  std::mt19937 random(4);
  Trace trace;
  std::vector<uint32_t> open;
  uint32_t fresh = 0;
  const size_t n_open = capacity / 4;
  while (trace.size() < kRequests) {
    if (open.size() < n_open || random() % 4 == 0) {
      trace.push_back(fresh);
      open.push_back(fresh++);
      if (open.size() > n_open) open.erase(open.begin());
    } else {
      trace.push_back(open[random() % open.size()]);
    }
  }
  return trace;
}

class Ours final : public Policy {
 public:
  explicit Ours(size_t n)
      : tier_({.limit_bytes = static_cast<int64_t>(n) * cache::MemoryTier::charge_of(entry_)}) {}
  bool request(uint32_t key) override {
    const cache::CacheKey digest = FieldHasher().add(static_cast<int64_t>(key)).finish();
    const auto found = tier_.get(digest);
    if (found.ok() && found->has_value()) return true;
    [[maybe_unused]] Status put = tier_.put(digest, entry_);
    return false;
  }
  double window_share() const { return tier_.window_share(); }

 private:
  const cache::CacheEntry entry_ = cache::make_entry("one answer");
  cache::MemoryTier tier_;
};

double hit_ratio(Policy& policy, const Trace& trace) {
  size_t n_hits = 0;
  for (const uint32_t key : trace) n_hits += policy.request(key) ? 1 : 0;
  return static_cast<double>(n_hits) / static_cast<double>(trace.size());
}

struct Row {
  std::string trace;
  size_t capacity = 0;
  double ours = 0, w_tinylfu = 0, lru = 0, lfu = 0, best = 0, window = 0;
};

Row measure(const std::string& name, size_t capacity, const Trace& trace) {
  Ours ours(capacity);
  WTinyLfu w_tinylfu(capacity);
  Lru lru(capacity);
  Lfu lfu(capacity);
  Clairvoyant best(capacity, trace);
  Row row{.trace = name, .capacity = capacity};
  row.ours = hit_ratio(ours, trace);
  row.w_tinylfu = hit_ratio(w_tinylfu, trace);
  row.lru = hit_ratio(lru, trace);
  row.lfu = hit_ratio(lfu, trace);
  row.best = hit_ratio(best, trace);
  row.window = ours.window_share();
  fmt::print("  {:<10} {:>8} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>8.0f}%\n", row.trace,
             row.capacity, 100 * row.ours, 100 * row.w_tinylfu, 100 * row.lru, 100 * row.lfu,
             100 * row.best, 100 * row.window);
  std::fflush(stdout);
  return row;
}

int run() {
  fmt::print("cache policies: hits in percent of {} requests, the memory tier with 16 shards\n",
             kRequests);
  fmt::print("  {:<10} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "trace", "capacity", "ours",
             "w-tinylfu", "lru", "lfu", "optimum", "window");
  const Trace zipf09 = zipf_trace(0.9), zipf10 = zipf_trace(1.0);
  const Trace scan = scan_trace(), shifting = shifting_trace();
  std::vector<Row> rows;
  for (const size_t capacity : {size_t{512}, size_t{2'048}, size_t{8'192}}) {
    rows.push_back(measure("zipf 0.9", capacity, zipf09));
    rows.push_back(measure("zipf 1.0", capacity, zipf10));
    rows.push_back(measure("scan", capacity, scan));
    rows.push_back(measure("loop", capacity, loop_trace(capacity)));
    rows.push_back(measure("shifting", capacity, shifting));
    rows.push_back(measure("bursts", capacity, burst_trace(capacity)));
  }
  bool met = true;
  std::string json;
  for (const Row& row : rows) {
    const bool row_met = row.ours >= row.w_tinylfu - kTolerance && row.ours <= row.best;
    if (!row_met) fmt::print("  MISSED: {} at {}\n", row.trace, row.capacity);
    met = met && row_met;
    json += fmt::format(
        R"({}{{"trace":"{}","capacity":{},"ours":{:.4f},"w_tinylfu":{:.4f},"lru":{:.4f},)"
        R"("lfu":{:.4f},"optimum":{:.4f},"window_share":{:.3f}}})",
        json.empty() ? "" : ",", row.trace, row.capacity, row.ours, row.w_tinylfu, row.lru, row.lfu,
        row.best, row.window);
  }
  fmt::print("{{\"bench\":\"cache_policies\",\"requests\":{},\"met\":{},\"rows\":[{}]}}\n", kRequests,
             met, json);
  return met ? 0 : 1;
}

}  // namespace
}  // namespace docmind::bench

int main() { return docmind::bench::run(); }
