// TokenMasks: the allowed tokens of a grammar's states, over one vocabulary.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "engine/grammar_impl.h"
#include "engine/grammar_states.h"
#include "engine/vocabulary_trie.h"

namespace docmind::engine {

// What a way through the grammar allows is found once for its place in its rule, whatever called the rule (as XGrammar
// does, Dong et al. 2024): the tokens that stay within the rule, and the places in the trie at which they leave it.
// From these the walk goes on with what is really below. One thread at a time.
class TokenMasks {
 public:
  TokenMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const VocabularyTrie> vocabulary);

  [[nodiscard]] GrammarStates& states() { return states_; }
  [[nodiscard]] const GrammarStates& states() const { return states_; }
  [[nodiscard]] const VocabularyTrie& vocabulary() const { return *vocabulary_; }
  [[nodiscard]] const std::shared_ptr<const Grammar>& grammar() const { return grammar_; }

  // A bit for each token of a row of logits. Valid until the next call.
  [[nodiscard]] std::span<const uint64_t> mask(GrammarStates::State state);
  // It has grown so large that it is better begun anew.
  [[nodiscard]] bool full() const;

 private:
  using Words = std::vector<uint64_t>;
  struct LocalMask {
    Words bits;
    std::vector<uint32_t> exits;  // nodes of the trie at which the rule has ended
  };
  // A place in a rule: the node, what is above the rule's call, and how much deeper texts may nest.
  struct Local {
    GrammarStates::State state = 0;
    GrammarStates::Stack below = 0;  // what is really there
  };

  [[nodiscard]] Local local_of(GrammarStates::Thread thread);
  const LocalMask& local_mask(GrammarStates::State state);
  void walk(uint32_t from, GrammarStates::State state, Words& bits, std::vector<uint32_t>* exits);
  void add_way(GrammarStates::Thread thread, Words& bits);
  void forget_some();

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const VocabularyTrie> vocabulary_;
  GrammarStates states_;
  size_t n_words_;
  std::unordered_map<GrammarStates::State, Words> masks_;
  std::unordered_map<GrammarStates::State, LocalMask> locals_;
  size_t mask_bytes_ = 0;
  std::vector<GrammarStates::State> path_;  // of a walk, by depth
};

}  // namespace docmind::engine
