// AskerPool: the askers of one store, each for one question at a time.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/asker_pool.h"

namespace docmind::pipeline {

Result<AskerPool::Lease> AskerPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Parts> parts = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(parts));
    }
  }
  DM_ASSIGN(std::unique_ptr<Parts> parts, make());
  return Lease(*this, std::move(parts));
}

Result<std::unique_ptr<AskerPool::Parts>> AskerPool::make() {
  auto parts = std::make_unique<Parts>();
  DM_ASSIGN(Corpus corpus, Corpus::open(options_.folder, options_.corpus));
  parts->corpus = std::make_unique<Corpus>(std::move(corpus));
  parts->generator = corpus_generator(*parts->corpus, options_.generator);
  parts->asker = std::make_unique<Asker>(*parts->corpus, *parts->generator, options_.shared, metrics_);
  return parts;
}

void AskerPool::give_back(std::unique_ptr<Parts> parts) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < options_.max_idle) idle_.push_back(std::move(parts));
}

}  // namespace docmind::pipeline
