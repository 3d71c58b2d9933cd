// SequenceState: the block table of a sequence, its sealed pages, and the pass that is open.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "kv/block_pool.h"
#include "kv/cache_state.h"
#include "kv/page_bits.h"
#include "kv/page_router.h"
#include "kv/prefix_tree.h"
#include "kv/sequence.h"

namespace docmind::kv {

// A page that the open pass seals.
struct DuePage {
  int64_t page = 0;
  SlotRef slot;
  uint32_t next_offset = 0;  // of the layer that comes next
};

class SequenceState {
 public:
  SequenceState(CacheState& cache, int64_t capacity, int64_t n_prompt);
  ~SequenceState();
  SequenceState(const SequenceState&) = delete;
  SequenceState& operator=(const SequenceState&) = delete;

  // Begins with what the tree holds of `prompt`.
  void share(std::span<const TokenId> prompt, const PrefixMatch& match);
  Status reserve(int64_t n);
  void prepare_seal(int64_t layer);
  void seal(int64_t layer, int64_t due_page, int64_t head_begin, int64_t head_end);
  void add_query_energy(int64_t layer, int64_t head, int64_t token, const float* queries, int64_t n_queries);
  void commit(std::span<const TokenId> tokens);
  int64_t truncate(int64_t n_tokens);
  // Forgets an open pass and gives back what was reserved for it.
  void roll_back();
  // Gives everything back; the tree keeps what it holds.
  void clear();
  // Goes on with the tokens, blocks and pages that were put into it from a file.
  void resume(int64_t n_shared_tokens, int64_t n_queries_of_head);
  [[nodiscard]] int64_t n_queries() const { return n_queries_.load(std::memory_order_relaxed); }
  // Offers the rest of the text to the tree, as it will not go on.
  void finish();

  [[nodiscard]] std::byte* block_of(int64_t token) const;
  [[nodiscard]] int64_t n_blocks() const { return n_blocks_; }
  [[nodiscard]] int64_t n_pages() const { return n_pages_; }
  [[nodiscard]] size_t memory_bytes() const;
  void set_block(int64_t index, SlotRef slot);
  void set_page(int64_t index, SlotRef slot);

  CacheState& cache;
  const Layout& layout;
  const int64_t capacity;
  std::vector<TokenId> tokens;         // committed
  std::vector<SlotRef> blocks, pages;  // for the whole capacity, empty where there is none
  std::vector<const std::byte*> block_data, page_data;  // the same for KvView
  std::vector<DuePage> due;            // of the open pass
  int64_t n_shared = 0;

 private:
  struct Need;
  static constexpr size_t kPadding = 64;  // layers of a page end on such a border
  [[nodiscard]] int64_t n_tokens() const { return static_cast<int64_t>(tokens.size()); }
  Status plan(int64_t end, Need& need);
  void take(Need& need);
  void save_energy();
  void restore_energy();
  [[nodiscard]] std::span<float> open_energy();
  [[nodiscard]] PageBits bits_of(const DuePage& page, int64_t layer);
  void count_sealed(const DuePage& page);
  void publish();
  void drop_sealed();
  [[nodiscard]] int64_t resume_point(int64_t n) const;
  [[nodiscard]] std::span<const TokenId> offered_tokens() const;
  [[nodiscard]] PrefixOffer offer() const;
  [[nodiscard]] int64_t exact_begin(int64_t n) const;
  void forget_from(int64_t n);

  const int64_t n_prompt_;
  int64_t n_blocks_ = 0, n_pages_ = 0;  // held
  size_t table_bytes_ = 0;
  int64_t reserved_end_ = 0;           // tokens that have blocks
  int64_t n_done_ = 1;                 // pages [1, n_done_) are sealed
  int64_t n_spare_dropped_ = 1;        // pages before it are not held exactly for others
  std::vector<float> saved_energy_;    // of the last block's committed tokens
  bool energy_is_saved_ = false;
  std::vector<float> router_scratch_;
  std::atomic<int64_t> n_queries_ = 1;  // of a KV head and a token, as add_query_energy() was last told
  PrefixCursor cursor_;
};

}  // namespace docmind::kv
