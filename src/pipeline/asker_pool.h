// AskerPool: the askers of one store, each for one question at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pipeline/asker.h"
#include "pipeline/corpus.h"
#include "pipeline/corpus_generator.h"

namespace docmind::pipeline {

// What the askers are made of; borrowed but for the generator.
struct AskerPoolOptions {
  std::string folder;
  CorpusOptions corpus;
  GeneratorChoice generator;
  SharedByAskers shared;
  size_t max_idle = 4;  // that are kept for the next question
};

// Any number of threads. As many askers as questions at the same time; they hold the store's vectors once.
class AskerPool {
  struct Parts {
    std::unique_ptr<Corpus> corpus;
    std::shared_ptr<const providers::Generator> generator;  // may ask its own corpus about words
    std::unique_ptr<Asker> asker;
  };

 public:
  // An asker, until it is destroyed.
  class Lease {
   public:
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (parts_ != nullptr) pool_->give_back(std::move(parts_));
    }
    [[nodiscard]] Asker& asker() const { return *parts_->asker; }
    [[nodiscard]] Corpus& corpus() const { return *parts_->corpus; }

   private:
    friend class AskerPool;
    Lease(AskerPool& pool, std::unique_ptr<Parts> parts) : pool_(&pool), parts_(std::move(parts)) {}
    AskerPool* pool_;
    std::unique_ptr<Parts> parts_;
  };

  AskerPool(AskerPoolOptions options, monitor::Metrics& metrics) : options_(std::move(options)), metrics_(metrics) {
    options_.corpus.vectors = &vectors_;
  }

  [[nodiscard]] Result<Lease> take();

 private:
  Result<std::unique_ptr<Parts>> make();
  void give_back(std::unique_ptr<Parts> parts);

  AskerPoolOptions options_;
  monitor::Metrics& metrics_;
  VectorShare vectors_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Parts>> idle_;
};

}  // namespace docmind::pipeline
