// TokenConstraint: which tokens a text that has a grammar may go on with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/token_masks.h"

namespace docmind::engine {

class ConstraintPool;

// Of one text, for as long as it lives, wherever its keys and values are meanwhile. For one thread, that of its pool.
class TokenConstraint {
 public:
  TokenConstraint(ConstraintPool& pool, std::shared_ptr<TokenMasks> masks);

  // Bits of the tokens that may come next, valid until the next call of any constraint of the pool. Tokens that end
  // the text are among them when it is whole. kInternal when no token is allowed: the vocabulary cannot write what the
  // grammar wants.
  [[nodiscard]] Result<std::span<const uint64_t>> allowed();
  // The token, which was allowed, comes next; not for tokens that end the text.
  [[nodiscard]] Status accept(tokenizer::TokenId token);
  // The text is whole, and nothing more can follow.
  [[nodiscard]] bool ended() const;

 private:
  ConstraintPool* pool_;
  std::shared_ptr<TokenMasks> masks_;
  GrammarStates::State state_;
};

}  // namespace docmind::engine
