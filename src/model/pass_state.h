// PassState: what an open forward pass keeps between layers: its rows, and whose they are.
//
// Rows are the items' tokens, one item after another. Of the last layer only the rows are needed whose
// logits are wanted: they move to the front once keys and values of all are stored.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "model/decoder.h"

namespace docmind::model {

class PassState {
 public:
  struct Item {
    kv::Sequence* sequence;
    std::span<const TokenId> tokens;
    std::span<float> logits;
    int64_t position;   // of its first token
    int64_t first_row;
    int64_t n_due_pages;
    // Live rows are those of its tokens from `n_skipped` on; they are written from `live_row` on.
    int64_t n_skipped;
    int64_t live_row;
    [[nodiscard]] int64_t n() const { return static_cast<int64_t>(tokens.size()); }
    [[nodiscard]] int64_t n_live() const { return n() - n_skipped; }
  };
  // Rows of one item whose tokens lie in one block of its keys and values.
  struct Span {
    int64_t item;
    int64_t begin, end;
  };
  // Live rows [begin, end) of an item, counted from its first.
  struct QueryTile {
    int64_t item;
    int64_t begin, end;
  };
  struct Sizes {
    int64_t max_rows, n_embd, n_rot, n_vocab;
    int64_t query_tile;  // the most rows of a QueryTile
  };

  // What allocate() takes, without its small lists.
  [[nodiscard]] static size_t bytes(const Sizes& sizes);
  // kLimit when the system has not the memory. Later calls allocate nothing.
  Status allocate(const Sizes& sizes);
  [[nodiscard]] size_t memory_bytes() const { return memory_.size(); }
  [[nodiscard]] int64_t max_rows() const { return sizes_.max_rows; }

  // Items whose room is reserved; max_rows tokens at most.
  void open(std::span<const BatchItem> items, PassKind kind);
  void close() { items_.clear(); }
  // Drops all rows but those whose logits are wanted, moving their x.
  void keep_wanted_rows();

  [[nodiscard]] PassKind kind() const { return kind_; }
  [[nodiscard]] std::span<const Item> items() const { return items_; }
  [[nodiscard]] const Item& item(int64_t i) const { return items_[static_cast<size_t>(i)]; }
  [[nodiscard]] std::span<const Span> spans() const { return spans_; }
  [[nodiscard]] std::span<const QueryTile> tiles() const { return tiles_; }  // those that take longest first
  [[nodiscard]] int64_t n_rows() const { return n_rows_; }
  [[nodiscard]] int64_t n_live_rows() const { return n_live_rows_; }
  [[nodiscard]] bool has_due_pages() const { return has_due_pages_; }
  // Where the logits of each live row go, once only wanted rows are left.
  [[nodiscard]] std::span<float* const> logit_rows() const { return logit_rows_; }

  [[nodiscard]] float* x(int64_t row) const { return x_ + row * sizes_.n_embd; }  // [n_embd] the residual stream
  // [n_embd] its normalised form, then the output of a block: of the last one when a pass pauses.
  [[nodiscard]] float* y(int64_t row) const { return y_ + row * sizes_.n_embd; }
  [[nodiscard]] float* cos_sin(int64_t row) const { return cos_sin_ + row * sizes_.n_rot; }  // [n_rot]

 private:
  void cut_spans(int64_t item);
  void cut_tiles();

  Sizes sizes_{};
  PassKind kind_ = PassKind::kPrefill;
  int64_t n_rows_ = 0;
  int64_t n_live_rows_ = 0;
  bool has_due_pages_ = false;
  std::vector<Item> items_;
  std::vector<Span> spans_;
  std::vector<QueryTile> tiles_;
  std::vector<float*> logit_rows_;
  AlignedBuffer memory_;
  float* x_ = nullptr;
  float* y_ = nullptr;
  float* cos_sin_ = nullptr;
};

}  // namespace docmind::model
