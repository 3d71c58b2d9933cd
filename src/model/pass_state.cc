// PassState: what an open forward pass keeps between layers: its rows, and whose they are.
// SPDX-License-Identifier: Apache-2.0
#include "model/pass_state.h"

#include <algorithm>

namespace docmind::model {
namespace {

// Floats of all rows of the residual stream, in whole lines.
int64_t wide_floats(const PassState::Sizes& sizes) { return (sizes.max_rows * sizes.n_embd + 15) / 16 * 16; }

}  // namespace

size_t PassState::bytes(const Sizes& sizes) {
  return static_cast<size_t>(2 * wide_floats(sizes) + sizes.max_rows * sizes.n_rot) * sizeof(float);
}

Status PassState::allocate(const Sizes& sizes) {
  sizes_ = sizes;
  const int64_t wide = wide_floats(sizes);
  DM_ASSIGN(memory_, AlignedBuffer::allocate(bytes(sizes)));
  x_ = reinterpret_cast<float*>(memory_.data());
  y_ = x_ + wide;
  cos_sin_ = y_ + wide;
  // An item, a span and a tile have at least a row each.
  const auto n = static_cast<size_t>(sizes.max_rows);
  items_.reserve(n);
  spans_.reserve(n);
  tiles_.reserve(n);
  logit_rows_.reserve(n);
  return {};
}

void PassState::open(std::span<const BatchItem> items, PassKind kind) {
  kind_ = kind;
  items_.clear();
  spans_.clear();
  logit_rows_.clear();
  n_rows_ = 0;
  has_due_pages_ = false;
  for (const BatchItem& given : items) {
    const Item item{.sequence = given.sequence,
                    .tokens = given.tokens,
                    .logits = given.logits,
                    .position = given.sequence->n_tokens(),
                    .first_row = n_rows_,
                    .n_due_pages = given.sequence->n_due_pages(),
                    .n_skipped = 0,
                    .live_row = n_rows_};
    items_.push_back(item);
    cut_spans(static_cast<int64_t>(items_.size()) - 1);
    n_rows_ += item.n();
    has_due_pages_ = has_due_pages_ || item.n_due_pages > 0;
  }
  n_live_rows_ = n_rows_;
  cut_tiles();
}

void PassState::cut_spans(int64_t item) {
  const Item& of = this->item(item);
  for (int64_t begin = 0; begin < of.n();) {
    const int64_t in_block = (of.position + begin) % kernels::kKvBlockTokens;
    const int64_t end = std::min(begin + kernels::kKvBlockTokens - in_block, of.n());
    spans_.push_back({item, of.first_row + begin, of.first_row + end});
    begin = end;
  }
}

void PassState::cut_tiles() {
  tiles_.clear();
  for (size_t i = 0; i < items_.size(); ++i) {
    const int64_t n = items_[i].n_live();
    for (int64_t begin = 0; begin < n; begin += sizes_.query_tile) {
      tiles_.push_back({static_cast<int64_t>(i), begin, std::min(begin + sizes_.query_tile, n)});
    }
  }
  // So that no thread ends on a long one. The last query of a tile sees the most keys.
  const auto cost = [this](const QueryTile& tile) {
    const Item& of = item(tile.item);
    return (of.position + of.n_skipped + tile.end) * (tile.end - tile.begin);
  };
  std::sort(tiles_.begin(), tiles_.end(),
            [&](const QueryTile& a, const QueryTile& b) { return cost(a) > cost(b); });
}

void PassState::keep_wanted_rows() {
  int64_t row = 0;
  for (Item& item : items_) {
    const int64_t n_wanted = static_cast<int64_t>(item.logits.size()) / sizes_.n_vocab;
    item.n_skipped = item.n() - n_wanted;
    item.live_row = row;
    // A row never moves towards the end, so nothing is overwritten too early.
    const int64_t from = item.first_row + item.n_skipped;
    if (from != row) std::copy(x(from), x(from + n_wanted), x(row));
    for (int64_t i = 0; i < n_wanted; ++i) logit_rows_.push_back(item.logits.data() + i * sizes_.n_vocab);
    row += n_wanted;
  }
  n_live_rows_ = row;
  cut_tiles();
}

}  // namespace docmind::model
