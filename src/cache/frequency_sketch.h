// FrequencySketch: how often keys were used of late, in a few bytes per key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace docmind::cache {

// A count-min sketch (Cormode, Muthukrishnan 2005) of 4-bit counters, halved at regular intervals so
// that old use fades (TinyLFU: Einziger, Friedman, Manes 2017). A key's four counters share a block
// of one cache line. Estimates are never too low within an interval, except above 15, where counters
// stop. Use from one thread at a time.
class FrequencySketch {
 public:
  static constexpr int kMaxCount = 15;

  FrequencySketch() : blocks_(kMinBlocks) {}

  // `hash`: uniform bits of the key, the same each time.
  void add(uint64_t hash);
  [[nodiscard]] int count_of(uint64_t hash) const;
  // Adapts size and interval to the number of keys that are worth telling apart. Growing keeps every
  // estimate; shrinking, which waits until an eighth is enough, makes none lower.
  void fit(size_t n_keys);
  void clear();
  [[nodiscard]] size_t size_bytes() const { return blocks_.size() * sizeof(Block); }

 private:
  static constexpr size_t kRows = 4;
  static constexpr size_t kKeysPerBlock = 8;  // 16 counters for each key, 4 in each row
  static constexpr size_t kMinBlocks = 16;
  static constexpr size_t kLeastKeys = 64;  // that the interval is made for
  static constexpr uint64_t kAddsPerKey = 10;  // between halvings

  struct alignas(64) Block {
    // Rows of 32 counters in two words each.
    std::array<uint64_t, 2 * kRows> words{};
  };
  // Where row `row` keeps the count of a key within its block.
  struct Place {
    size_t word;
    int shift;
  };
  static Place place_of(uint64_t hash, size_t row);
  [[nodiscard]] size_t block_of(uint64_t hash) const;
  void halve();

  std::vector<Block> blocks_;  // a power of two
  uint64_t interval_ = kAddsPerKey * kLeastKeys;
  uint64_t n_adds_ = 0;  // since the last halving
};

}  // namespace docmind::cache
