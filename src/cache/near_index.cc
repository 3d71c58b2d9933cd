// NearIndex: finds cached questions whose vectors are near to one, within one scope.
// SPDX-License-Identifier: Apache-2.0
#include "cache/near_index.h"

#include <algorithm>

namespace docmind::cache {

std::shared_ptr<NearIndex::Scope> NearIndex::scope_of(const Digest& digest, bool create) {
  std::lock_guard lock(mutex_);
  const auto known = std::find_if(scopes_.begin(), scopes_.end(),
                                  [&](const auto& scope) { return scope->digest == digest; });
  if (known != scopes_.end()) {
    scopes_.splice(scopes_.begin(), scopes_, known);
    return scopes_.front();
  }
  if (!create) return nullptr;
  auto scope = std::make_shared<Scope>();
  scope->digest = digest;
  scopes_.push_front(scope);
  if (scopes_.size() > max_scopes_) scopes_.pop_back();  // who searches it now keeps it alive
  return scope;
}

// With the scope's lock. A vector of another dimension (the embedder changed under one name) or a
// damaged one is left out.
Status NearIndex::load(Scope& scope, size_t dimension) {
  if (scope.loaded) return {};
  DM_ASSIGN(scope.vectors, index::SketchIndex::create({.dimension = dimension}));
  DM_TRY(directory_.visit_vectors(scope.digest, 0, [&](const AnswerVector& row) {
    [[maybe_unused]] const Status added = scope.vectors->add(row.id, row.vector);
  }));
  scope.loaded = true;
  return {};
}

Result<std::vector<index::SketchHit>> NearIndex::search(const Digest& digest,
                                                        std::span<const float> vector, size_t k,
                                                        float least) {
  const std::shared_ptr<Scope> scope = scope_of(digest, true);
  {
    std::lock_guard lock(scope->loading);
    DM_TRY(load(*scope, vector.size()));
  }
  if (scope->vectors->dimension() != vector.size()) return std::vector<index::SketchHit>();
  return scope->vectors->search(vector, k, least);
}

void NearIndex::add(const Digest& digest, int64_t id, std::string_view encoded) {
  const std::shared_ptr<Scope> scope = scope_of(digest, false);
  if (scope == nullptr) return;
  std::lock_guard lock(scope->loading);
  // Not yet loaded: it will be read with the others.
  if (!scope->loaded) return;
  [[maybe_unused]] const Status added = scope->vectors->add(id, encoded);
}

void NearIndex::remove(const Digest& digest, int64_t id) {
  const std::shared_ptr<Scope> scope = scope_of(digest, false);
  if (scope == nullptr) return;
  std::lock_guard lock(scope->loading);
  if (scope->loaded) scope->vectors->remove(id);
}

void NearIndex::reset() {
  std::lock_guard lock(mutex_);
  scopes_.clear();
}

size_t NearIndex::size_bytes() const {
  std::lock_guard lock(mutex_);
  size_t n_bytes = 0;
  for (const auto& scope : scopes_) {
    std::lock_guard loading(scope->loading);
    if (scope->loaded) n_bytes += scope->vectors->size_bytes();
  }
  return n_bytes;
}

}  // namespace docmind::cache
