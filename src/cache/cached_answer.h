// CachedAnswer: an answer with all it stands on, its bytes in a tier, and whether it still holds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
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
  int64_t id = 0;                        // in the AnswerDirectory, set by store(); 0: not there
  std::string payload;                   // opaque: the caller's own encoding of the answer
  std::vector<Dependency> dependencies;  // of every passage used, cited or not
  std::vector<int64_t> sources;  // ids of the chunks it stands on: the cited ones, else all that were used
  int64_t newest_chunk = 0;      // the largest chunk id of the store then; larger ones came later
  bool negative = false;         // "not in the documents"; dies when the store changes at all
  int64_t generation = 0;        // of the store when the passages were retrieved
  int64_t created_unix_ms = 0;   // when the answer was made; 0 lets store() set it
  double cost_ms = 0;            // that making it took after retrieval
  int64_t cost_tokens = 0;       // prompt and completion; 0 where none were counted
  bool from_memory = false;      // set by lookup(): served by the memory tier; not encoded
  bool operator==(const CachedAnswer&) const = default;
};

// Limits of the encoding; a larger answer is not cached.
inline constexpr size_t kMaxPayloadBytes = 16 << 20;
inline constexpr size_t kMaxDependencies = 10'000;
inline constexpr size_t kMaxSources = 10'000;
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

// What the question retrieves now, before reranking.
struct RetrievedNow {
  std::span<const int64_t> chunk_ids;  // best first
  size_t top_k = 5;                    // passages that an answer is made from
};

struct EvidenceVerdict {
  Freshness freshness = Freshness::kStale;  // kFresh or kStale
  double agreement = 0;                     // 0..1: 1 when every source is among the first top_k now
  std::string reason;                       // for people, where it is stale: "guide.md changed"
};

// Fresh only when every document it depends on is unchanged, all its sources are retrieved, and no
// chunk that came into the store later is among the first `top_k` or ranks above a source. A negative
// answer has no sources to compare, so it is stale.
[[nodiscard]] EvidenceVerdict judge(const CachedAnswer& answer, const RetrievedNow& now,
                                    const ContentHashOf& content_hash_of);

}  // namespace docmind::cache
