// NearIndex: finds cached questions whose vectors are near to one, within one scope.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "cache/answer_directory.h"
#include "index/sketch_index.h"

namespace docmind::cache {

// The vectors of the directory's questions in memory, one index a scope, read when the scope is first
// asked for. Scopes share nothing: what one lookup costs does not depend on the entries of another.
// The least recently used scopes beyond the limit are let go and read again when they are needed.
// Any number of threads may call; `directory` is borrowed.
class NearIndex {
 public:
  NearIndex(AnswerDirectory& directory, size_t max_scopes)
      : directory_(directory), max_scopes_(max_scopes) {}

  // At most `k` questions of the scope with a similarity of at least `least`, best first. Their records
  // may be gone meanwhile; report those to remove().
  [[nodiscard]] Result<std::vector<index::SketchHit>> search(const Digest& scope,
                                                             std::span<const float> vector, size_t k,
                                                             float least);
  // A record that this process has just inserted. A scope that is not loaded is left alone.
  void add(const Digest& scope, int64_t id, std::string_view encoded);
  void remove(const Digest& scope, int64_t id);
  // Everything is read again: another process changed the directory.
  void reset();

  [[nodiscard]] size_t size_bytes() const;

 private:
  struct Scope {
    Digest digest{};
    std::mutex loading;
    bool loaded = false;
    std::unique_ptr<index::SketchIndex> vectors;
  };
  std::shared_ptr<Scope> scope_of(const Digest& digest, bool create);
  Status load(Scope& scope, size_t dimension);

  AnswerDirectory& directory_;
  const size_t max_scopes_;
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<Scope>> scopes_;  // newest use first
};

}  // namespace docmind::cache
