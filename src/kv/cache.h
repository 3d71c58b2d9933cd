// Cache: the KV memory of one model in one format, under a budget: block pool, shared prefixes, files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "kernels/kernels.h"
#include "kv/layout.h"
#include "kv/memory_budget.h"
#include "kv/sequence.h"

namespace docmind::kv {

struct CacheOptions {
  FormatOptions format;
  size_t budget_bytes = 0;      // of blocks and pages of all sequences and held prefixes; never exceeded
  bool share_prefixes = true;
  // In sealed formats a prefix is shared only as far as the newest tokens before its end are still exact, so
  // that no output ever depends on what was cached. Otherwise its end may be read sealed.
  bool exact_reuse = false;
  std::string identity;         // of the model (fingerprint, settings that change keys): binds saved files to it
};

struct CacheStats {
  size_t budget_bytes = 0;      // of all caches that share it
  size_t referenced_bytes = 0;  // blocks and pages of living sequences, shared ones once
  size_t held_bytes = 0;        // of prefixes that no sequence uses: evicted when room is needed
  size_t peak_bytes = 0;        // of both together, of all caches that share the budget
  size_t resident_bytes = 0;    // memory that the system has given for blocks and pages, at most the budget
  size_t overhead_bytes = 0;    // tables, tree
  int64_t n_sequences = 0, n_blocks = 0, n_pages = 0, n_tree_nodes = 0;
  int64_t n_lookups = 0, n_hits = 0;             // prompts; of which shared something
  int64_t n_lookup_tokens = 0, n_hit_tokens = 0;
  int64_t n_evicted_blocks = 0, n_copied_blocks = 0, n_sealed_pages = 0;
  double mean_mixed_bits = 0;   // of a code, over pages sealed in `mixed`
};

// Not thread-safe, as its sequences; they must not outlive it.
class Cache {
 public:
  // Memory is only used as it is touched. kInvalidArgument when the budget holds not even one page of tokens;
  // otherwise errors as Layout::create. The table must outlive it.
  // With a `budget` it shares that one with others, each of which may evict the others' held prefixes, and
  // options.budget_bytes is not looked at.
  static Result<std::unique_ptr<Cache>> create(const Geometry& geometry, const CacheOptions& options,
                                               const kernels::KernelTable& table,
                                               std::shared_ptr<MemoryBudget> budget = nullptr);
  ~Cache();

  [[nodiscard]] const Layout& layout() const;
  // An empty sequence for up to `capacity` tokens; takes no blocks yet.
  [[nodiscard]] Result<std::unique_ptr<Sequence>> new_sequence(int64_t capacity);
  // One that begins with the longest held prefix of `prompt`, but never with all of it: at least one token is left to
  // compute. n_shared_tokens() says how long that was.
  [[nodiscard]] Result<std::unique_ptr<Sequence>> new_sequence(std::span<const TokenId> prompt, int64_t capacity);

  // How many tokens of `prompt` are held, without changing anything.
  [[nodiscard]] int64_t held_prefix(std::span<const TokenId> prompt) const;
  // Bytes that sequences could still take: the budget without what they reference.
  [[nodiscard]] size_t available_bytes() const;
  [[nodiscard]] CacheStats stats() const;
  // Gives the memory of held prefixes back, all of it or the least recently used down to `keep_bytes`.
  void evict(size_t keep_bytes = 0);

  // --- files: checksummed, versioned, bound to identity, geometry and format ---
  // A sequence leaves memory (preemption): its state is written, then its blocks go back and it is empty. A pass that
  // is open is abandoned. kIo (disk full) leaves the committed tokens as they were and no file behind.
  [[nodiscard]] Status spill(Sequence& sequence, const std::string& path);
  // Brings it back into the same Sequence, or another that is empty (kInvalidArgument); kLimit when there is no room
  // now (nothing changed), kMalformed for a damaged file (the sequence is empty then). The file stays.
  [[nodiscard]] Status unspill(Sequence& sequence, const std::string& path);
  // Held prefixes, the most recently used first, up to max_bytes; written beside and renamed.
  [[nodiscard]] Status save(const std::string& path, size_t max_bytes) const;
  // Adds the prefixes of a file, as far as the budget allows without evicting; returns the tokens. kMismatch names
  // both sides when the file is of another model or format, kMalformed when it is damaged: nothing is added then.
  [[nodiscard]] Result<int64_t> load(const std::string& path);

 private:
  explicit Cache(std::unique_ptr<CacheState> state);
  std::unique_ptr<CacheState> state_;
};

}  // namespace docmind::kv
