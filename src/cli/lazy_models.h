// Lazy models: loaded at their first use, known by name and identity before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "cache/computation_cache.h"
#include "cli/assemble_generator.h"
#include "cli/command.h"
#include "providers/provider.h"

namespace docmind::cli {

// A cached answer needs no model, only the identity of the one that made it, and loading gigabytes for
// that would take seconds. What loading a file told of it is therefore remembered, under the file's
// stamp and all settings that bear on it; with that, the model itself is loaded when it is first used.
// Any number of threads may use one; the first one loads.
template <typename Interface>
class LazyModel {
 public:
  using Load = std::function<Result<std::unique_ptr<Interface>>()>;
  explicit LazyModel(Load load) : load_(std::move(load)) {}

  // The loaded model, loading it if need be. An error is final.
  Result<const Interface*> get() const {
    std::lock_guard lock(mutex_);
    if (!outcome_) {
      Result<std::unique_ptr<Interface>> loaded = load_();
      if (loaded.ok()) model_ = *std::move(loaded);
      outcome_ = model_ != nullptr ? Status() : Status(std::move(loaded).error());
    }
    if (!outcome_->ok()) return outcome_->error();
    ready_.store(model_.get(), std::memory_order_release);
    return model_.get();
  }
  // The model if it is loaded by now, else null; never waits.
  [[nodiscard]] const Interface* loaded() const { return ready_.load(std::memory_order_acquire); }

 private:
  const Load load_;
  mutable std::mutex mutex_;
  mutable std::optional<Status> outcome_;
  mutable std::unique_ptr<Interface> model_;
  mutable std::atomic<const Interface*> ready_{nullptr};
};

// The models that the configuration names, null where it names none. Those that are remembered are
// lazy, the others are loaded now and remembered; with `computed` null nothing is remembered. A fall-back
// of this process is always lazy. Models of other servers are neither loaded nor remembered.
Result<AssembledGenerator> open_generator(Session& session, cache::ComputationCache* computed);
Result<std::unique_ptr<providers::Embedder>> open_embedder(Session& session,
                                                           cache::ComputationCache* computed);
Result<std::unique_ptr<providers::Reranker>> open_reranker(Session& session,
                                                           cache::ComputationCache* computed);

}  // namespace docmind::cli
