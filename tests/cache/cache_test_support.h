// Helpers of the cache tests: keys from numbers, a clock that tests turn by hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <random>
#include <string>

#include "cache/tier.h"

namespace docmind::cache {

inline CacheKey test_key(int64_t n) { return FieldHasher().add("test key").add(n).finish(); }

// Bytes that no compression makes smaller, other ones for every seed.
inline std::string noise(size_t size, uint64_t seed = 0) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random() >> 11);
  return bytes;
}

// Copies of the clock share one time.
class TestClock {
 public:
  WallClock clock() const {
    return [time = time_] { return time->load(); };
  }
  void advance_ms(int64_t ms) { *time_ += ms; }
  int64_t now() const { return *time_; }

 private:
  std::shared_ptr<std::atomic<int64_t>> time_ =
      std::make_shared<std::atomic<int64_t>>(1'700'000'000'000);
};

// The value under a key, or "(none)" / "(error ...)".
inline std::string value_in(Tier& tier, const CacheKey& key) {
  Result<std::optional<CacheEntry>> entry = tier.get(key);
  if (!entry.ok()) return "(error: " + entry.error().message + ")";
  return entry->has_value() ? *(*entry)->value : "(none)";
}

}  // namespace docmind::cache
