// ConstraintPool: what the constraints of a model's texts have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/token_constraint.h"
#include "engine/token_masks.h"
#include "engine/vocabulary_trie.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Texts of equal grammars share what is known of them. The tokenizer must outlive it. open() and the constraints are
// for one thread at a time.
class ConstraintPool {
 public:
  ConstraintPool(const tokenizer::Tokenizer& tokenizer, size_t n_vocab) : tokenizer_(tokenizer), n_vocab_(n_vocab) {}

  // Reads the vocabulary, once; takes a tenth of a second for a large one. Any thread may call it before open(), which
  // otherwise does.
  void prepare();
  [[nodiscard]] TokenConstraint open(const std::shared_ptr<const Grammar>& grammar);
  // Those that `full` is to be replaced by: empty ones of the same grammar.
  [[nodiscard]] std::shared_ptr<TokenMasks> renew(const std::shared_ptr<TokenMasks>& full);

 private:
  [[nodiscard]] std::shared_ptr<TokenMasks> masks_of(const std::shared_ptr<const Grammar>& grammar);

  const tokenizer::Tokenizer& tokenizer_;
  size_t n_vocab_;
  std::once_flag prepared_;
  std::shared_ptr<const VocabularyTrie> vocabulary_;
  std::vector<std::shared_ptr<TokenMasks>> recent_;  // the most recently used last
};

}  // namespace docmind::engine
