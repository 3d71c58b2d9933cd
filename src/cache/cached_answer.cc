// CachedAnswer: an answer with all it stands on, its bytes in a tier, and whether it still holds.
// SPDX-License-Identifier: Apache-2.0
#include "cache/cached_answer.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace docmind::cache {
namespace {

constexpr uint8_t kAnswerVersion = 2;
constexpr size_t kDependencyBytes = 8;  // the least that one takes: two lengths

// Little-endian integers; a string has its length (u32) before it.
class Writer {
 public:
  void number(uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
  }
  void text(std::string_view text) {
    number(text.size(), 4);
    bytes_.append(text);
  }
  void reserve(size_t n_bytes) { bytes_.reserve(n_bytes); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Once a read fails, ok() is false and all further reads give zeros and empty strings.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t n_left() const { return bytes_.size(); }
  uint64_t number(size_t n_bytes) {
    const std::string_view raw = take(n_bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(raw[i])) << (8 * i);
    }
    return value;
  }
  std::string text(size_t max_bytes) {
    const uint64_t size = number(4);
    if (size > max_bytes) ok_ = false;
    return std::string(take(size));
  }

 private:
  std::string_view take(uint64_t n_bytes) {
    if (n_bytes > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, n_bytes);
    bytes_.remove_prefix(n_bytes);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

Status check_limit(std::string_view what, size_t got, size_t limit) {
  if (got <= limit) return {};
  return Error{ErrorCode::kLimit, "the answer is not cached: " + std::string(what) + " is " +
                                      std::to_string(got) + ", the limit " + std::to_string(limit)};
}

Error malformed() {
  return Error{ErrorCode::kMalformed, "the bytes of a cached answer are damaged"};
}

}  // namespace

Result<std::string> encode_cached_answer(const CachedAnswer& answer) {
  DM_TRY(check_limit("its size in bytes", answer.payload.size(), kMaxPayloadBytes));
  DM_TRY(check_limit("the number of its documents", answer.dependencies.size(), kMaxDependencies));
  DM_TRY(check_limit("the number of its sources", answer.sources.size(), kMaxSources));
  Writer out;
  out.reserve(answer.payload.size() + 64 + answer.sources.size() * 8 + answer.dependencies.size() * 192);
  out.number(kAnswerVersion, 1);
  out.number(static_cast<uint64_t>(answer.id), 8);
  out.number(static_cast<uint64_t>(answer.generation), 8);
  out.number(static_cast<uint64_t>(answer.created_unix_ms), 8);
  out.number(static_cast<uint64_t>(answer.newest_chunk), 8);
  out.number(answer.negative ? 1 : 0, 1);
  out.number(std::bit_cast<uint64_t>(answer.cost_ms), 8);
  out.number(static_cast<uint64_t>(answer.cost_tokens), 8);
  out.number(answer.sources.size(), 4);
  for (const int64_t chunk : answer.sources) out.number(static_cast<uint64_t>(chunk), 8);
  out.number(answer.dependencies.size(), 4);
  for (const Dependency& dependency : answer.dependencies) {
    DM_TRY(check_limit("the length of a path", dependency.path.size(), kMaxPathBytes));
    DM_TRY(check_limit("the length of a hash", dependency.content_hash.size(), kMaxHashBytes));
    out.text(dependency.path);
    out.text(dependency.content_hash);
  }
  out.text(answer.payload);
  return out.take();
}

Result<CachedAnswer> decode_cached_answer(std::string_view bytes) {
  Reader in(bytes);
  if (in.number(1) != kAnswerVersion) return malformed();
  CachedAnswer answer;
  answer.id = static_cast<int64_t>(in.number(8));
  answer.generation = static_cast<int64_t>(in.number(8));
  answer.created_unix_ms = static_cast<int64_t>(in.number(8));
  answer.newest_chunk = static_cast<int64_t>(in.number(8));
  const uint64_t negative = in.number(1);
  if (negative > 1) return malformed();
  answer.negative = negative == 1;
  answer.cost_ms = std::bit_cast<double>(in.number(8));
  answer.cost_tokens = static_cast<int64_t>(in.number(8));
  if (!std::isfinite(answer.cost_ms) || answer.cost_ms < 0) return malformed();
  const uint64_t n_sources = in.number(4);
  if (n_sources > kMaxSources || n_sources > in.n_left() / 8) return malformed();
  for (uint64_t i = 0; i < n_sources; ++i) answer.sources.push_back(static_cast<int64_t>(in.number(8)));
  const uint64_t n_dependencies = in.number(4);
  if (n_dependencies > kMaxDependencies || n_dependencies > in.n_left() / kDependencyBytes) {
    return malformed();
  }
  answer.dependencies.reserve(n_dependencies);
  for (uint64_t i = 0; i < n_dependencies && in.ok(); ++i) {
    Dependency dependency;
    dependency.path = in.text(kMaxPathBytes);
    dependency.content_hash = in.text(kMaxHashBytes);
    answer.dependencies.push_back(std::move(dependency));
  }
  answer.payload = in.text(kMaxPayloadBytes);
  if (!in.ok() || in.n_left() != 0) return malformed();
  return answer;
}

Freshness check(const CachedAnswer& answer, int64_t current_generation) {
  return answer.generation == current_generation ? Freshness::kFresh
                                                 : Freshness::kNeedsRevalidation;
}

EvidenceVerdict judge(const CachedAnswer& answer, const RetrievedNow& now,
                      const ContentHashOf& content_hash_of) {
  EvidenceVerdict verdict;
  for (const Dependency& dependency : answer.dependencies) {
    const std::optional<std::string> hash = content_hash_of(dependency.path);
    if (hash == dependency.content_hash) continue;
    verdict.reason = "'" + dependency.path + (hash ? "' changed" : "' is gone");
    return verdict;
  }
  if (answer.negative || answer.sources.empty()) {
    verdict.reason = "the index changed, and what was not in it may be now";
    return verdict;
  }
  size_t last_rank = 0;
  double agreement = 0;
  for (const int64_t source : answer.sources) {
    const auto place = std::find(now.chunk_ids.begin(), now.chunk_ids.end(), source);
    if (place == now.chunk_ids.end()) {
      verdict.reason = "a passage that it stands on is not found for this question";
      return verdict;
    }
    const auto rank = static_cast<size_t>(place - now.chunk_ids.begin()) + 1;
    last_rank = std::max(last_rank, rank);
    agreement += rank <= now.top_k ? 1.0 : static_cast<double>(now.top_k) / static_cast<double>(rank);
  }
  verdict.agreement = agreement / static_cast<double>(answer.sources.size());
  const size_t guarded = std::min(std::max(last_rank, now.top_k), now.chunk_ids.size());
  for (const int64_t chunk : now.chunk_ids.first(guarded)) {
    if (chunk <= answer.newest_chunk) continue;
    verdict.reason = "a newer passage is found before what it stands on";
    return verdict;
  }
  verdict.freshness = Freshness::kFresh;
  return verdict;
}

}  // namespace docmind::cache
