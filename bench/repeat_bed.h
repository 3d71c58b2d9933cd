// A manual, copied and indexed, and everything that answers questions about it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cache/answer_cache.h"
#include "monitor/metrics.h"
#include "pipeline/asker.h"
#include "pipeline/corpus.h"
#include "providers/provider.h"

namespace docmind::bench {

// A temporary folder, gone with the object.
class BenchFolder {
 public:
  BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;
  ~BenchFolder();
  [[nodiscard]] const std::string& path() const { return path_; }  // empty: it could not be made

 private:
  std::string path_;
};

// Answers like `inner`, and counts the tokens that a model would get and write for it: bytes over four
// of the prompt that models get here, and of the answer.
class CountingGenerator final : public providers::Generator {
 public:
  explicit CountingGenerator(std::unique_ptr<providers::Generator> inner) : inner_(std::move(inner)) {}
  providers::ProviderInfo info() const override { return inner_->info(); }
  bool quotes_documents() const override { return inner_->quotes_documents(); }
  Result<providers::GenerateResult> generate(const providers::GenerateRequest& request,
                                             const providers::TextSink& sink,
                                             const CancelToken& cancel) const override;

 private:
  std::unique_ptr<providers::Generator> inner_;
};

// One thread.
class RepeatBed {
 public:
  // Copies the HTML files of `manual` into `folder` and indexes them.
  static Result<std::unique_ptr<RepeatBed>> make(const std::string& manual, const std::string& folder);

  // The copies are brought into the index; returns the number of documents.
  Result<int64_t> index();
  // An empty cache, in memory and on disk, with the defaults of the program.
  Status open_cache();
  Result<pipeline::Answer> ask(std::string_view question, bool use_cache);
  // Puts words into every paragraph of a copy.
  static Status edit(const std::string& path, std::string_view words);

  [[nodiscard]] const pipeline::Corpus& corpus() const { return *corpus_; }
  [[nodiscard]] const cache::AnswerCache& cache() const { return *cache_; }
  [[nodiscard]] uint64_t n_near() const {
    return metrics_->value(monitor::Counter::kAnswersNear);
  }

 private:
  explicit RepeatBed(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
  int n_caches_ = 0;
  std::unique_ptr<monitor::Metrics> metrics_ = std::make_unique<monitor::Metrics>();
  std::unique_ptr<pipeline::Corpus> corpus_;
  std::unique_ptr<CountingGenerator> generator_;
  std::unique_ptr<cache::AnswerCache> cache_;
  std::unique_ptr<pipeline::Asker> asker_;
};

}  // namespace docmind::bench
