// DecoderPass: a forward pass of a causal language model over a batch of sequences, layer by layer.
// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_pass.h"

#include <fmt/format.h>

#include "model/decoder_scratch.h"
#include "model/load_check.h"

namespace docmind::model {
namespace {

// Which item an error is about, where there are several.
Error of_item(Error error, size_t index, size_t n_items) {
  if (n_items == 1) return error;
  return std::move(error).with_context(fmt::format("item {} of {}", index, n_items));
}

// What was reserved for a pass that is not to be.
void give_back_room(kv::Sequence& sequence) { sequence.truncate(sequence.n_tokens()); }

Status check_tokens_in_all(std::span<const BatchItem> items, int64_t max_tokens) {
  int64_t n_tokens = 0;
  for (const BatchItem& item : items) n_tokens += static_cast<int64_t>(item.tokens.size());
  if (n_tokens >= 1 && n_tokens <= max_tokens) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("a pass of 1 to {} tokens was asked for {}", max_tokens, n_tokens)};
}

}  // namespace

Status DecoderPass::allocate(int64_t max_tokens) { return state_.allocate(pass_sizes(config_, max_tokens)); }

Status DecoderPass::start(std::span<const BatchItem> items, PassKind kind) {
  if (n_layers_left_ > 0) return Error{ErrorCode::kInvalidArgument, "a forward pass is still open"};
  DM_TRY(check(items, kind));
  for (size_t i = 0; i < items.size(); ++i) {
    Status reserved = items[i].sequence->reserve(static_cast<int64_t>(items[i].tokens.size()));
    if (reserved.ok()) continue;
    for (size_t j = 0; j < i; ++j) give_back_room(*items[j].sequence);
    return of_item(std::move(reserved).error(), i, items.size());
  }
  state_.open(items, kind);
  n_layers_left_ = config_.n_layers;
  return {};
}

Status DecoderPass::check(std::span<const BatchItem> items, PassKind kind) const {
  for (size_t i = 0; i < items.size(); ++i) {
    Status status = check(items[i], kind);
    for (size_t j = 0; status.ok() && j < i; ++j) {
      if (items[i].sequence != items[j].sequence) continue;
      status = Error{ErrorCode::kInvalidArgument, fmt::format("its sequence is that of item {}", j)};
    }
    if (!status.ok()) return of_item(std::move(status).error(), i, items.size());
  }
  return check_tokens_in_all(items, max_tokens());
}

Status DecoderPass::check(const BatchItem& item, PassKind kind) const {
  const kv::Geometry ours = kv_geometry(config_);
  if (item.sequence == nullptr) return Error{ErrorCode::kInvalidArgument, "there is no sequence"};
  if (const kv::Geometry& its = item.sequence->layout().geometry(); its != ours) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the sequence is of {} layers, {} KV heads of {}; the model has {}, {} of {}",
                             its.n_layers, its.n_kv_heads, its.head_dim, ours.n_layers, ours.n_kv_heads,
                             ours.head_dim)};
  }
  const size_t n = item.tokens.size();
  if (n == 0 || (kind == PassKind::kDecode && n != 1)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} tokens were given; a {} pass takes {}", n,
                                                          kind == PassKind::kDecode ? "decode" : "prefill",
                                                          kind == PassKind::kDecode ? "one" : "one or more")};
  }
  DM_TRY(check_tokens(item.tokens, config_.n_vocab));
  return check_logits(item.logits.size(), n, config_.n_vocab);
}

bool DecoderPass::advance(int64_t n_layers) {
  for (; n_layers > 0 && n_layers_left_ > 0; --n_layers) {
    const int64_t layer = config_.n_layers - n_layers_left_;
    if (layer == 0) layers_.embed(state_);
    layers_.run(state_, layer);
    if (n_layers_left_ == 1) {
      layers_.write_logits(state_);
      commit();
    }
    --n_layers_left_;
  }
  return n_layers_left_ == 0;
}

void DecoderPass::commit() {
  for (const PassState::Item& item : state_.items()) item.sequence->commit(item.tokens);
  state_.close();
}

void DecoderPass::abandon() {
  for (const PassState::Item& item : state_.items()) give_back_room(*item.sequence);
  state_.close();
  n_layers_left_ = 0;
}

}  // namespace docmind::model
