// FrequencySketch: how often keys were used of late, in a few bytes per key.
// SPDX-License-Identifier: Apache-2.0
#include "cache/frequency_sketch.h"

#include <algorithm>

namespace docmind::cache {
namespace {

constexpr int kPlaceBits = 5;  // one of a row's 32 counters
constexpr int kCounterBits = 4;
constexpr uint64_t kCounterMask = 0xf;
constexpr uint64_t kHalvedMask = 0x7777'7777'7777'7777;

uint64_t larger_of_each(uint64_t a, uint64_t b) {
  uint64_t larger = 0;
  for (int shift = 0; shift < 64; shift += kCounterBits) {
    larger |= std::max(a >> shift & kCounterMask, b >> shift & kCounterMask) << shift;
  }
  return larger;
}

}  // namespace

FrequencySketch::Place FrequencySketch::place_of(uint64_t hash, size_t row) {
  const size_t counter = hash >> (row * kPlaceBits) & 31;
  return {2 * row + counter / 16, static_cast<int>(counter % 16) * kCounterBits};
}

// The bits above those that pick the counters. The number of blocks only doubles or halves, so the
// blocks of a key are the same modulo the smaller number.
size_t FrequencySketch::block_of(uint64_t hash) const {
  return hash >> (kRows * kPlaceBits) & (blocks_.size() - 1);
}

void FrequencySketch::add(uint64_t hash) {
  Block& block = blocks_[block_of(hash)];
  bool added = false;
  for (size_t row = 0; row < kRows; ++row) {
    const Place place = place_of(hash, row);
    uint64_t& word = block.words[place.word];
    if ((word >> place.shift & kCounterMask) == kMaxCount) continue;
    word += uint64_t{1} << place.shift;
    added = true;
  }
  if (added && ++n_adds_ >= interval_) halve();
}

int FrequencySketch::count_of(uint64_t hash) const {
  const Block& block = blocks_[block_of(hash)];
  uint64_t count = kMaxCount;
  for (size_t row = 0; row < kRows; ++row) {
    const Place place = place_of(hash, row);
    count = std::min(count, block.words[place.word] >> place.shift & kCounterMask);
  }
  return static_cast<int>(count);
}

void FrequencySketch::halve() {
  for (Block& block : blocks_) {
    for (uint64_t& word : block.words) word = word >> 1 & kHalvedMask;
  }
  n_adds_ /= 2;
}

void FrequencySketch::fit(size_t n_keys) {
  interval_ = kAddsPerKey * std::max(n_keys, kLeastKeys);
  while (blocks_.size() * kKeysPerBlock < n_keys) {
    const size_t n_blocks = blocks_.size();
    blocks_.resize(2 * n_blocks);
    std::copy_n(blocks_.begin(), n_blocks, blocks_.begin() + static_cast<std::ptrdiff_t>(n_blocks));
  }
  bool shrunk = false;
  while (blocks_.size() > kMinBlocks && blocks_.size() * kKeysPerBlock / 8 >= n_keys) {
    const size_t n_blocks = blocks_.size() / 2;
    for (size_t i = 0; i < n_blocks; ++i) {
      for (size_t w = 0; w < 2 * kRows; ++w) {
        uint64_t& kept = blocks_[i].words[w];
        kept = larger_of_each(kept, blocks_[n_blocks + i].words[w]);
      }
    }
    blocks_.resize(n_blocks);
    shrunk = true;
  }
  if (shrunk) blocks_.shrink_to_fit();
}

void FrequencySketch::clear() {
  blocks_.assign(kMinBlocks, Block{});
  blocks_.shrink_to_fit();
  interval_ = kAddsPerKey * kLeastKeys;
  n_adds_ = 0;
}

}  // namespace docmind::cache
