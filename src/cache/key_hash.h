// Hashes of cache keys, which are random bits already.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cache/tier.h"

namespace docmind::cache {

// One of the key's four words. A table in a shard takes another word than what picked the shard, so
// that it uses all its slots.
[[nodiscard]] inline uint64_t word_of(const CacheKey& key, size_t index) {
  uint64_t word = 0;
  std::memcpy(&word, key.data() + index * sizeof(word), sizeof(word));
  return word;
}

// For the standard tables.
struct KeyHash {
  size_t operator()(const CacheKey& key) const noexcept { return word_of(key, 0); }
};

}  // namespace docmind::cache
