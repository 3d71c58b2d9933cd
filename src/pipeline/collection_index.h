// CollectionIndex: background indexing of one collection: what is to be done, what is being done, what came of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "cache/computation_cache.h"
#include "monitor/metrics.h"
#include "pipeline/background_indexer.h"
#include "pipeline/collection.h"
#include "pipeline/document_folder.h"
#include "pipeline/indexer.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// All borrowed but the request.
struct CollectionIndexOptions {
  std::string folder;                                // of the store
  IndexRequest request;                              // roots are filled in
  const providers::Embedder* embedder = nullptr;     // null: the built-in lexical one
  cache::ComputationCache* computed = nullptr;
  BackgroundIndexer* background = nullptr;
  monitor::Metrics* metrics = nullptr;
  // Called on the indexing thread after a run with the documents whose answers are dead.
  std::function<void(const std::vector<std::string>& changed_paths)> on_changed = [](const auto&) {};
};

// Held by shared_ptr: a run that waits keeps no collection alive. Any thread.
class CollectionIndex : public std::enable_shared_from_this<CollectionIndex> {
 public:
  enum class What { kUploads, kEverything };

  explicit CollectionIndex(CollectionIndexOptions options)
      : options_(std::move(options)), uploads_(join_path(options_.folder, "uploads")) {}

  [[nodiscard]] const DocumentFolder& uploads() const { return uploads_; }
  // Queues a run unless one that has not begun does the same already; returns its id.
  int64_t start(What what);
  // What an earlier process left to do: uploads that are not in the store, vectors that are missing.
  void resume();
  // Takes a document out of the store now: a run under way stops after the file that it reads and is taken up again.
  [[nodiscard]] Status remove(const std::string& path);

  [[nodiscard]] IndexJob job() const;
  uint64_t wait_change(uint64_t seen, int64_t timeout_ms) const;

 private:
  void run(const CancelToken& cancel);
  Result<IndexReport> index(What what, const CancelToken& cancel);
  Result<IndexReport> index_roots(std::vector<std::string> roots, const index::StoreWriter& store,
                                  VectorStage& vectors, const CancelToken& cancel);
  Result<bool> has_work() const;
  void show(const IndexProgress& progress);
  void finish(Result<IndexReport> report);
  void changed();  // with the lock

  const CollectionIndexOptions options_;
  const DocumentFolder uploads_;

  mutable std::mutex mutex_;
  mutable std::condition_variable change_;
  uint64_t n_changes_ = 1;
  IndexJob job_;
  std::optional<What> wanted_;          // by the run that waits
  int64_t last_id_ = 0;
  std::optional<CancelToken> running_;
  int n_removing_ = 0;                  // calls of remove() that want the store
};

}  // namespace docmind::pipeline
