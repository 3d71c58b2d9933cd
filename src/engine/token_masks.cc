// TokenMasks: walks over the vocabulary.
// SPDX-License-Identifier: Apache-2.0
#include "engine/token_masks.h"

#include <algorithm>

namespace docmind::engine {
namespace {

constexpr size_t kWordBits = 64;
constexpr size_t kMaxMaskBytes = size_t{16} << 20;
constexpr size_t kMaxStateBytes = size_t{64} << 20;

}  // namespace

TokenMasks::TokenMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const VocabularyTrie> vocabulary)
    : grammar_(std::move(grammar)),
      vocabulary_(std::move(vocabulary)),
      states_(compiled(*grammar_).program(), compiled(*grammar_).max_levels()),
      n_words_((vocabulary_->n_vocab() + kWordBits - 1) / kWordBits),
      path_(vocabulary_->max_bytes() + 1) {}

bool TokenMasks::full() const { return states_.memory_bytes() > kMaxStateBytes; }

// All nodes below `from`, which is reached in `state`. A state that is dead ends its branch; one that leaves the rule
// is an exit, and its branch may go on within the rule all the same.
void TokenMasks::walk(uint32_t from, GrammarStates::State state, Words& bits, std::vector<uint32_t>* exits) {
  const std::vector<VocabularyTrie::Node>& nodes = vocabulary_->nodes();
  path_[nodes[from].depth] = state;
  const uint32_t end = nodes[from].end;
  for (uint32_t i = from + 1; i < end;) {
    const VocabularyTrie::Node& node = nodes[i];
    const GrammarStates::State next = states_.step(path_[node.depth - 1], node.byte);
    if (next == GrammarStates::kDead) {
      i = node.end;
      continue;
    }
    path_[node.depth] = next;
    vocabulary_->for_each_token(node, [&](tokenizer::TokenId token) {
      bits[static_cast<size_t>(token) / kWordBits] |= uint64_t{1} << (static_cast<size_t>(token) % kWordBits);
    });
    if (exits != nullptr && states_.leaves(next) && node.end > i + 1) exits->push_back(i);
    ++i;
  }
}

// The repetitions of the rule itself belong to the place, as far as a token could notice how many are left.
TokenMasks::Local TokenMasks::local_of(GrammarStates::Thread thread) {
  std::vector<GrammarStates::Frame> own;
  GrammarStates::Stack below = thread.stack;
  while (below != GrammarStates::kEmpty && states_.frame(below).repeats) {
    own.push_back(states_.frame(below));
    below = own.back().below;
  }
  const uint32_t most = vocabulary_->max_bytes() + 1;
  const uint32_t levels = states_.frame(below).levels;
  const uint32_t near = vocabulary_->max_brackets() + 1;
  const bool far = levels + near <= states_.max_levels();
  GrammarStates::Stack stack = states_.unknown_stack(far ? 0 : levels);
  for (size_t i = own.size(); i-- > 0;) {
    own[i].needed = std::min(own[i].needed, most);
    if (own[i].left > most) own[i].left = GrammarBuilder::kNoLimit;
    own[i].below = stack;
    own[i].levels = far ? 0 : levels;
    stack = states_.push(own[i]);
  }
  return {states_.state_of({thread.node, stack}), below};
}

const TokenMasks::LocalMask& TokenMasks::local_mask(GrammarStates::State state) {
  const auto [at, is_new] = locals_.try_emplace(state);
  LocalMask& mask = at->second;
  if (is_new) {
    mask.bits.resize(n_words_);
    walk(0, state, mask.bits, &mask.exits);
    mask_bytes_ += n_words_ * sizeof(uint64_t) + mask.exits.size() * sizeof(uint32_t);
  }
  return mask;
}

void TokenMasks::add_way(GrammarStates::Thread thread, Words& bits) {
  const Local local = local_of(thread);
  const LocalMask& mask = local_mask(local.state);
  for (size_t i = 0; i < n_words_; ++i) bits[i] |= mask.bits[i];
  if (mask.exits.empty()) return;
  const GrammarStates::State after = states_.return_into(local.below);
  if (states_.threads(after).empty()) return;
  for (const uint32_t exit : mask.exits) walk(exit, after, bits, nullptr);
}

void TokenMasks::forget_some() {
  if (mask_bytes_ < kMaxMaskBytes) return;
  masks_.clear();
  locals_.clear();
  mask_bytes_ = 0;
}

std::span<const uint64_t> TokenMasks::mask(GrammarStates::State state) {
  if (const auto known = masks_.find(state); known != masks_.end()) return known->second;
  forget_some();
  Words bits(n_words_);
  const std::vector<GrammarStates::Thread> ways(states_.threads(state).begin(), states_.threads(state).end());
  for (const GrammarStates::Thread& way : ways) add_way(way, bits);
  if (states_.complete(state)) {
    for (const tokenizer::TokenId token : vocabulary_->end_tokens()) {
      bits[static_cast<size_t>(token) / kWordBits] |= uint64_t{1} << (static_cast<size_t>(token) % kWordBits);
    }
  }
  mask_bytes_ += n_words_ * sizeof(uint64_t);
  return masks_.emplace(state, std::move(bits)).first->second;
}

}  // namespace docmind::engine
