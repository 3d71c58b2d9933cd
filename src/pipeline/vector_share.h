// VectorShare: the vectors of one store, loaded once for all who ask it at the same time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "index/vector_index.h"

namespace docmind::pipeline {

// Any number of threads. Who needs vectors that another thread is loading waits for it, which takes no longer than
// loading them once more would.
class VectorShare {
 public:
  using Index = std::shared_ptr<const index::VectorIndex>;
  using Load = std::function<Result<std::unique_ptr<index::VectorIndex>>()>;

  // The vectors of that generation of the store. One who still sees an older state loads them for itself.
  Result<Index> get(int64_t generation, const Load& load) {
    const std::lock_guard lock(mutex_);
    if (index_ != nullptr && generation == generation_) return index_;
    DM_ASSIGN(Index loaded, load());
    if (generation > generation_) {
      generation_ = generation;
      index_ = loaded;
    }
    return loaded;
  }

 private:
  std::mutex mutex_;
  int64_t generation_ = -1;
  Index index_;
};

}  // namespace docmind::pipeline
