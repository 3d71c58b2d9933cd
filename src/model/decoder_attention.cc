// DecoderAttention: the part of a decoder's layer in which a row meets the others of its sequence.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_attention.h"

#include <algorithm>
#include <cmath>

namespace docmind::model {

DecoderAttention::DecoderAttention(const DecoderWeights& weights, const kernels::KernelTable& table,
                                   Executor& executor, bool exact)
  : weights_(weights),
    config_(weights.config),
    table_(table),
    executor_(executor),
    exact_(exact),
    group_(config_.n_heads / config_.n_kv_heads),
    q_width_(config_.n_heads * config_.head_dim),
    kv_width_(config_.n_kv_heads * config_.head_dim) {}

kernels::AttentionJob DecoderAttention::job() const {
  return {.q_stride = q_width_,
          .out_stride = q_width_,
          .n_heads = config_.n_heads,
          .n_kv_heads = config_.n_kv_heads,
          .head_dim = config_.head_dim,
          .scale = 1 / std::sqrt(static_cast<float>(config_.head_dim)),
          .exact = exact_,
          .kv = {}};
}

void DecoderAttention::run(const PassState& pass, int64_t layer, const Rows& rows) {
  rows_ = rows;
  const int64_t n_heads = config_.n_kv_heads;
  const auto spans = pass.spans();
  const auto tiles = pass.tiles();
  const auto n_tiles = static_cast<int64_t>(tiles.size());
  // One token of each sequence: a KV head's keys are needed by that head alone, so both happen in one loop.
  const bool together = pass.kind() == PassKind::kDecode && !pass.has_due_pages() && tiles.size() == spans.size();
  if (!together) {
    executor_.for_items(static_cast<int64_t>(spans.size()), [&](int64_t i, size_t) {
      for (int64_t h = 0; h < n_heads; ++h) prepare(pass, layer, spans[static_cast<size_t>(i)], h);
    });
    if (pass.has_due_pages()) seal(pass, layer);
  }
  executor_.for_items(n_tiles * n_heads, [&](int64_t i, size_t thread) {
    const PassState::QueryTile& tile = tiles[static_cast<size_t>(i / n_heads)];
    // Of a decode pass span i is the row of item i.
    if (together) prepare(pass, layer, spans[static_cast<size_t>(tile.item)], i % n_heads);
    attend(pass, layer, tile, i % n_heads, thread);
  });
}

void DecoderAttention::rotate(float* head, const float* norm, const float* cos_sin) {
  if (norm != nullptr) table_.rms_norm(head, norm, config_.head_dim, config_.rms_eps, head);
  table_.rope(head, cos_sin, config_.n_rot, config_.neox_rope);
}

void DecoderAttention::prepare(const PassState& pass, int64_t layer, const PassState::Span& span, int64_t kv_head) {
  const DecoderLayer& weights = weights_.layers[static_cast<size_t>(layer)];
  const PassState::Item& item = pass.item(span.item);
  kv::Sequence& sequence = *item.sequence;
  const int64_t d = config_.head_dim;
  const int64_t rotation = sequence.layout().rotation_block();
  for (int64_t row = span.begin; row < span.end; ++row) {
    const int64_t token = item.position + row - item.first_row;
    float* k = rows_.k + row * kv_width_ + kv_head * d;
    float* v = rows_.v + row * kv_width_ + kv_head * d;
    float* q = rows_.q + row * q_width_ + kv_head * group_ * d;
    rotate(k, weights.k_norm, pass.cos_sin(row));
    table_.to_half(k, d, sequence.keys(layer, kv_head, token));
    if (rotation > 1) table_.hadamard(v, d, rotation);
    table_.to_half(v, d, sequence.values(layer, kv_head, token));
    for (int64_t i = 0; i < group_; ++i) rotate(q + i * d, weights.q_norm, pass.cos_sin(row));
    if (sequence.layout().has_query_energy()) sequence.add_query_energy(layer, kv_head, token, q, group_);
  }
}

void DecoderAttention::seal(const PassState& pass, int64_t layer) {
  for (const PassState::Item& item : pass.items()) {
    if (item.n_due_pages == 0) continue;
    kv::Sequence& sequence = *item.sequence;
    sequence.prepare_seal(layer);
    const int64_t step = kernels::kv_seal_heads(sequence.layout().page_shape());
    const int64_t n_ranges = config_.n_kv_heads / step;
    executor_.for_items(item.n_due_pages * n_ranges, [&](int64_t i, size_t) {
      const int64_t head = i % n_ranges * step;
      sequence.seal(layer, i / n_ranges, head, head + step);
    });
  }
}

void DecoderAttention::attend(const PassState& pass, int64_t layer, const PassState::QueryTile& tile, int64_t kv_head,
                              size_t thread) {
  const PassState::Item& item = pass.item(tile.item);
  kernels::AttentionJob job = this->job();
  job.q = rows_.q + (item.first_row + item.n_skipped) * q_width_;
  job.out = rows_.attended + item.live_row * q_width_;
  job.n_queries = item.n_live();
  job.n_keys = item.position + item.n();
  job.first_position = item.position + item.n_skipped;
  job.decode = pass.kind() == PassKind::kDecode && group_ <= Executor::kMaxDirectRows;
  job.kv = item.sequence->view(layer);
  executor_.attend(job, kv_head, tile.begin, tile.end, thread);
  // Values were stored rotated.
  const int64_t block = item.sequence->layout().rotation_block();
  if (block == 1) return;
  const int64_t width = group_ * config_.head_dim;
  for (int64_t t = tile.begin; t < tile.end; ++t) {
    table_.hadamard(rows_.attended + (item.live_row + t) * q_width_ + kv_head * width, width, block);
  }
}

}  // namespace docmind::model
