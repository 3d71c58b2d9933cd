// ConstraintPool: recent grammars.
// SPDX-License-Identifier: Apache-2.0
#include "engine/constraint_pool.h"

#include <algorithm>
#include <utility>

namespace docmind::engine {
namespace {

constexpr size_t kMaxRecent = 8;  // grammars whose masks are kept

}  // namespace

void ConstraintPool::prepare() {
  std::call_once(prepared_, [this] { vocabulary_ = VocabularyTrie::create(tokenizer_, n_vocab_); });
}

std::shared_ptr<TokenMasks> ConstraintPool::masks_of(const std::shared_ptr<const Grammar>& grammar) {
  const auto known = std::ranges::find_if(recent_, [&](const std::shared_ptr<TokenMasks>& masks) {
    return compiled(*masks->grammar()).source() == compiled(*grammar).source();
  });
  std::shared_ptr<TokenMasks> masks;
  if (known != recent_.end()) {
    masks = *known;
    recent_.erase(known);
  } else {
    masks = std::make_shared<TokenMasks>(grammar, vocabulary_);
    if (recent_.size() == kMaxRecent) recent_.erase(recent_.begin());
  }
  recent_.push_back(masks);
  return masks;
}

TokenConstraint ConstraintPool::open(const std::shared_ptr<const Grammar>& grammar) {
  prepare();
  std::shared_ptr<TokenMasks> masks = masks_of(grammar);
  if (masks->full()) masks = renew(masks);
  return TokenConstraint(*this, std::move(masks));
}

std::shared_ptr<TokenMasks> ConstraintPool::renew(const std::shared_ptr<TokenMasks>& full) {
  std::erase(recent_, full);
  return masks_of(full->grammar());
}

}  // namespace docmind::engine
