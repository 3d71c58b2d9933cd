// Sequence: the keys and values of one text: its block table, and the pages it has sealed.
//
// A forward pass over the next n tokens is: reserve(n); for every layer write keys() and values(), then
// seal() the pages that come due, then read view(); commit(). What is reserved and not committed is
// overwritten by the next pass.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "kernels/attention.h"
#include "kv/layout.h"

namespace docmind::kv {

using TokenId = int32_t;

class CacheState;  // of a Cache and its sequences

// One thread at a time for a Cache and all its sequences; in a pass, different heads, layers and tokens of
// keys(), values(), add_query_energy() and seal() may be written by several threads.
class Sequence {
 public:
  ~Sequence();  // its blocks go back at once
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  [[nodiscard]] const Layout& layout() const;
  [[nodiscard]] int64_t n_tokens() const { return static_cast<int64_t>(tokens().size()); }  // committed
  [[nodiscard]] std::span<const TokenId> tokens() const;
  [[nodiscard]] int64_t capacity() const;
  [[nodiscard]] int64_t n_shared_tokens() const;  // that were taken from a held prefix when it was made
  [[nodiscard]] size_t memory_bytes() const;      // of its blocks and pages, shared ones included

  // --- before a pass ---
  // Room for the next `n` tokens and for the pages that they make due. Unreferenced prefixes are evicted for
  // it. kLimit names the bytes, and nothing has changed, when the budget cannot hold them; also beyond capacity.
  [[nodiscard]] Status reserve(int64_t n);

  // --- in a pass ---
  // `token` is n_tokens() or above, within what was reserved.
  [[nodiscard]] kernels::Half* keys(int64_t layer, int64_t head, int64_t token);
  [[nodiscard]] kernels::Half* values(int64_t layer, int64_t head, int64_t token);
  // Adds the squares of a token's queries of a KV head [n_queries, head_dim] to its block's; only where the layout
  // has_query_energy(), tokens of one block in order and on one thread.
  void add_query_energy(int64_t layer, int64_t head, int64_t token, const float* queries, int64_t n_queries);
  // Pages that this pass seals, 0 most of the time.
  [[nodiscard]] int64_t n_due_pages() const;
  // For each layer, in order: prepare_seal() on one thread, once its keys, values and energies are written, then
  // seal() of each page for all KV heads, in ranges of multiples of kv_seal_heads().
  void prepare_seal(int64_t layer);
  void seal(int64_t layer, int64_t due_page, int64_t head_begin, int64_t head_end);
  [[nodiscard]] kernels::KvView view(int64_t layer) const;  // valid until the next reserve() or commit()

  // --- after a pass ---
  // The reserved tokens count from now on. Whole blocks can be shared by others, exact blocks of sealed pages go back.
  void commit(std::span<const TokenId> tokens);

  // Forgets the tokens from `n_tokens` on and, in sealed formats, those before it back to the next point from
  // which it can go on; returns how many are left. truncate(n_tokens()) only gives back what an abandoned pass
  // has reserved. With CacheOptions::exact_reuse the point is one from which no result differs, else the begin
  // of the page where the page is only sealed. In `mixed` it is the begin of a block.
  int64_t truncate(int64_t n_tokens);

 private:
  friend class Cache;
  struct Impl;
  explicit Sequence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docmind::kv
