// CachedAnswer: an answer with all it stands on, its bytes in a tier, and whether it still holds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/hash.h"

namespace docmind::cache {

// A document that the answer was made from, as it was then.
struct Dependency {
  std::string path;
  std::string content_hash;  // lower-case hex of the file's SHA-256
  bool operator==(const Dependency&) const = default;
};

struct CachedAnswer {
  std::string payload;                   // opaque: the caller's own encoding of the answer
  std::vector<Dependency> dependencies;  // of every passage retrieved, cited or not
  Digest retrieved_set{};       // of all passages retrieved, in order; changes when a new one enters
  int64_t generation = 0;       // of the store when the passages were retrieved
  int64_t created_unix_ms = 0;  // when the answer was made; 0 lets store() set it
  bool from_memory = false;     // set by lookup(): served by the memory tier; not encoded
  bool operator==(const CachedAnswer&) const = default;
};

// Limits of the encoding; a larger answer is not cached.
inline constexpr size_t kMaxPayloadBytes = 16 << 20;
inline constexpr size_t kMaxDependencies = 10'000;
inline constexpr size_t kMaxPathBytes = 64 << 10;
inline constexpr size_t kMaxHashBytes = 256;

// The bytes of an answer: a version, then every field with its length. kLimit names what is too
// large.
[[nodiscard]] Result<std::string> encode_cached_answer(const CachedAnswer& answer);
// kMalformed for any other bytes; never reads past them or allocates more than they account for.
[[nodiscard]] Result<CachedAnswer> decode_cached_answer(std::string_view bytes);

enum class Freshness {
  kFresh,              // may be served
  kNeedsRevalidation,  // the store changed since; retrieve again and call judge()
  kStale,              // must not be served
};

// Whether the store is still the one the answer was made from. Any other generation, also an older
// one (a store restored from a backup), needs revalidation.
[[nodiscard]] Freshness check(const CachedAnswer& answer, int64_t current_generation);

// The content hash (hex) of an indexed document now; nullopt when it is gone.
using ContentHashOf = std::function<std::optional<std::string>(const std::string& path)>;

// Fresh only when the same passages are retrieved now and every document is unchanged; else stale.
[[nodiscard]] Freshness judge(const CachedAnswer& answer, const Digest& current_retrieved_set,
                              const ContentHashOf& content_hash_of);

}  // namespace docmind::cache
