// TokenConstraint: one text's way through its grammar.
// SPDX-License-Identifier: Apache-2.0
#include "engine/token_constraint.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/constraint_pool.h"

namespace docmind::engine {

TokenConstraint::TokenConstraint(ConstraintPool& pool, std::shared_ptr<TokenMasks> masks)
    : pool_(&pool), masks_(std::move(masks)), state_(masks_->states().start()) {}

Result<std::span<const uint64_t>> TokenConstraint::allowed() {
  if (masks_->full()) {
    std::shared_ptr<TokenMasks> fresh = pool_->renew(masks_);
    state_ = fresh->states().take_over(masks_->states(), state_);
    masks_ = std::move(fresh);
  }
  const std::span<const uint64_t> mask = masks_->mask(state_);
  if (masks_->states().overflowed()) {
    return Error{ErrorCode::kLimit, "the wanted form can be read in too many ways at once; make its alternatives "
                                    "(anyOf, pattern) differ earlier"};
  }
  if (std::ranges::any_of(mask, [](uint64_t word) { return word != 0; })) return mask;
  return Error{ErrorCode::kInternal,
               fmt::format("none of the model's {} tokens can continue the text in the wanted form",
                           masks_->vocabulary().n_vocab())};
}

Status TokenConstraint::accept(tokenizer::TokenId token) {
  for (const char byte : masks_->vocabulary().bytes(token)) {
    state_ = masks_->states().step(state_, static_cast<uint8_t>(byte));
  }
  if (state_ != GrammarStates::kDead) return {};
  return Error{ErrorCode::kInternal, fmt::format("token {} ('{}') does not continue the text in the wanted form", token,
                                                 printable(masks_->vocabulary().bytes(token)))};
}

bool TokenConstraint::ended() const {
  return masks_->states().complete(state_) && masks_->states().threads(state_).empty();
}

}  // namespace docmind::engine
