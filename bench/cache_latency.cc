// cache_latency: what a hit costs in memory, through the tiers and on disk, and what a put costs.
// SPDX-License-Identifier: Apache-2.0
//
// bench_cache_latency: prints a table and a line of JSON; exit code 1 when an exact hit in memory
// takes 2 us or more in the middle or 20 us at the 99th percentile, 2 when a value came back wrong.
// Two threads ask at the same time throughout.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cache/disk_tier.h"
#include "cache/memory_tier.h"
#include "cache/tiered_cache.h"

namespace docmind::bench {
namespace {

using cache::CacheKey;
using Clock = std::chrono::steady_clock;

constexpr int kThreads = 2;
constexpr int64_t kEntries = 20'000;
constexpr double kMostP50Ns = 2'000;
constexpr double kMostP99Ns = 20'000;

CacheKey key_of(int64_t n) { return FieldHasher().add(n).finish(); }

// Some 2 KiB, as an answer with citations has; text, so that it can be compressed.
std::string value_of(int64_t n) {
  std::string value;
  for (int i = 0; value.size() < 2'000; ++i) {
    value += fmt::format("Sentence {} of answer {} cites page {}. ", i, n, (n * 31 + i * 7) % 997);
  }
  return value;
}

struct Data {
  std::vector<CacheKey> keys;
  std::vector<cache::CacheEntry> entries;
};

Data make_data() {
  Data data;
  for (int64_t n = 0; n < kEntries; ++n) {
    data.keys.push_back(key_of(n));
    data.entries.push_back(cache::make_entry(value_of(n), 0, 0, 100));
  }
  return data;
}

struct Times {
  double p50_ns = 0, p99_ns = 0, p999_ns = 0;
  bool right = true;
};

double at(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

// Asks for random keys from all threads at once; `look_up(key)` gives the entry or nullopt.
template <typename LookUp>
Times time_hits(const Data& data, int n_requests, LookUp&& look_up) {
  std::vector<std::vector<double>> times(kThreads);
  std::atomic<int> n_ready = 0;
  std::atomic<bool> right = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      auto& mine = times[static_cast<size_t>(t)];
      mine.reserve(static_cast<size_t>(n_requests));
      ++n_ready;
      while (n_ready < kThreads) std::this_thread::yield();
      for (int i = 0; i < n_requests; ++i) {
        const size_t n = random() % data.keys.size();
        const auto begun = Clock::now();
        const std::optional<cache::CacheEntry> entry = look_up(data.keys[n]);
        const std::chrono::duration<double, std::nano> taken = Clock::now() - begun;
        mine.push_back(taken.count());
        if (!entry || *entry->value != *data.entries[n].value) right = false;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& mine : times) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  return {at(all, 0.5), at(all, 0.99), at(all, 0.999), right};
}

// Puts a second, from all threads together; the time ends when `finish` returns.
template <typename Put, typename Finish>
double put_rate(const Data& data, Put&& put, Finish&& finish) {
  const auto begun = Clock::now();
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < data.keys.size(); i += kThreads) put(data.keys[i], data.entries[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  finish();
  const std::chrono::duration<double> taken = Clock::now() - begun;
  return static_cast<double>(data.keys.size()) / taken.count();
}

class Report {
 public:
  void hits(const std::string& what, const Times& times) {
    fmt::print("  {:<34} p50 {:>8.0f} ns   p99 {:>8.0f} ns   p99.9 {:>8.0f} ns{}\n", what,
               times.p50_ns, times.p99_ns, times.p999_ns, times.right ? "" : "   WRONG VALUE");
    add(fmt::format(R"({{"figure":"{}","p50_ns":{:.0f},"p99_ns":{:.0f},"p999_ns":{:.0f}}})", what,
                    times.p50_ns, times.p99_ns, times.p999_ns));
    right_ = right_ && times.right;
  }
  void rate(const std::string& what, double per_second) {
    fmt::print("  {:<34} {:>12.0f} /s\n", what, per_second);
    add(fmt::format(R"({{"figure":"{}","per_s":{:.0f}}})", what, per_second));
  }
  int finish(bool met) const {
    fmt::print("{{\"bench\":\"cache_latency\",\"met\":{},\"rows\":[{}]}}\n", met && right_, rows_);
    if (!right_) return 2;
    return met ? 0 : 1;
  }

 private:
  void add(const std::string& row) { rows_ += (rows_.empty() ? "" : ",") + row; }
  std::string rows_;
  bool right_ = true;
};

void ignore(Status) {}

Times measure_memory(const Data& data, Report& report) {
  cache::MemoryTier memory({});
  report.rate("puts into memory",
              put_rate(data, [&](const auto& key, const auto& entry) { ignore(memory.put(key, entry)); },
                       [] {}));
  const Times times = time_hits(data, 500'000, [&](const CacheKey& key) {
    auto got = memory.get(key);
    return got.ok() ? *std::move(got) : std::nullopt;
  });
  report.hits("exact hit in memory", times);
  return times;
}

Times measure_tiers(const Data& data, const std::string& folder, bool write_behind, Report& report) {
  auto disk = cache::DiskTier::open({.path = folder + (write_behind ? "/behind.db" : "/tiers.db")});
  if (!disk.ok()) return {.right = false};
  std::vector<std::unique_ptr<cache::Tier>> tiers;
  tiers.push_back(std::make_unique<cache::MemoryTier>(cache::MemoryTierOptions{}));
  tiers.push_back(*std::move(disk));
  cache::TieredCache tiered(std::move(tiers),
                            {.write_behind = write_behind, .queue_bytes = 128 << 20});
  const auto put = [&](const auto& key, const auto& entry) { ignore(tiered.put(key, entry)); };
  const std::string how = write_behind ? ", written behind" : "";
  const auto flush = [&] { ignore(tiered.flush()); };
  if (write_behind) {
    report.rate("puts until the caller may go on", put_rate(data, put, [] {}));
    flush();
    ignore(tiered.clear());
  }
  report.rate("puts until all are on disk" + how, put_rate(data, put, flush));
  const Times times = time_hits(data, 500'000, [&](const CacheKey& key) {
    auto hit = tiered.get(key);
    return hit ? std::optional(std::move(hit->entry)) : std::nullopt;
  });
  report.hits("exact hit through the tiers" + how, times);
  return times;
}

void measure_disk(const Data& data, const std::string& folder, Report& report) {
  auto disk = cache::DiskTier::open({.path = folder + "/tiers.db"});
  if (!disk.ok()) return;
  report.hits("hit on disk", time_hits(data, 50'000, [&](const CacheKey& key) {
                auto got = (*disk)->get(key);
                return got.ok() ? *std::move(got) : std::nullopt;
              }));
  double plain_bytes = 0;
  for (const auto& entry : data.entries) plain_bytes += static_cast<double>(entry.value->size());
  fmt::print("  {:<34} {:>12.2f}\n", "bytes of the file per byte of value",
             static_cast<double>((*disk)->stats().size_bytes) / plain_bytes);
}

int run() {
  std::string folder = (std::filesystem::temp_directory_path() / "docmind-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    fmt::print(stderr, "cannot create the folder '{}'\n", folder);
    return 2;
  }
  fmt::print("cache latency: {} entries of some 2 KiB, {} threads at once\n", kEntries, kThreads);
  Report report;
  const Data data = make_data();
  const Times memory = measure_memory(data, report);
  measure_tiers(data, folder, false, report);
  measure_tiers(data, folder, true, report);
  measure_disk(data, folder, report);
  std::filesystem::remove_all(folder);
  return report.finish(memory.p50_ns < kMostP50Ns && memory.p99_ns < kMostP99Ns);
}

}  // namespace
}  // namespace docmind::bench

int main() { return docmind::bench::run(); }
