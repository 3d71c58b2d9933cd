// Indexer: brings the store in line with the files under the given roots.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "index/store_writer.h"
#include "ingest/scanner.h"
#include "monitor/metrics.h"
#include "pipeline/file_job.h"

namespace docmind::pipeline {

// What is happening, for a progress bar. Files and bytes count what must be read in this run.
struct IndexProgress {
  enum class Phase { kScan, kRead, kTrain, kEmbed, kFinish };
  Phase phase = Phase::kScan;
  int64_t n_done = 0;   // files in kRead, chunks in kEmbed
  int64_t n_total = 0;
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;
  int64_t n_tokens = 0;  // embedded so far, where a model embeds
  std::string_view path = {};  // the file just finished; borrowed during the call
};
using ProgressSink = std::function<void(const IndexProgress&)>;

struct IndexRequest {
  std::vector<std::string> roots;  // empty: the roots indexed before, with their globs
  ingest::ScanOptions scan;
  FileJobOptions job;
  size_t n_threads = 0;            // 0: one per CPU
  std::string worker_executable;   // see ingest::ParseWorker
  bool rehash = false;             // read every file, also those whose stamp is unchanged
  size_t exact_limit = 200'000;    // above that many vectors a graph is built as well
};

struct IndexReport {
  int64_t n_found = 0;       // files that the globs want
  int64_t n_added = 0;
  int64_t n_updated = 0;
  int64_t n_unchanged = 0;
  int64_t n_removed = 0;
  int64_t n_ignored = 0;     // left out by globs or unknown extension
  int64_t n_chunks = 0;      // new chunks
  std::vector<std::string> changed_paths;  // documents updated or removed
  int64_t read_bytes = 0;
  bool trained = false;      // the lexical embedder was trained anew
  double elapsed_ms = 0;
  std::vector<ingest::SkippedFile> skipped;  // each unreadable or malformed file, with the reason
  struct Warning {
    std::string path;
    std::string text;
  };
  std::vector<Warning> warnings;  // read, but something was repaired or left out
  index::StoreCounts totals;
};

// How vectors are made after the text is stored; the lexical embedder trains on the whole store,
// a model embeds chunk by chunk.
class VectorStage {
 public:
  virtual ~VectorStage() = default;
  // kMismatch before anything is read, if the store's vectors come from another embedder.
  virtual Status check(const index::StoreReader& store) const = 0;
  // Gives every chunk of the store a vector. Returns whether it trained.
  virtual Result<bool> update(const index::StoreWriter& store, const ProgressSink& progress,
                              const CancelToken& cancel) = 0;
};

// Runs one pass. Commits every few megabytes, so that a kill loses little; on cancel it commits
// what is parsed and returns kCancelled. `metrics` is borrowed.
class Indexer {
 public:
  Indexer(const index::StoreWriter& store, VectorStage& vectors, monitor::Metrics& metrics)
      : store_(store), vectors_(vectors), metrics_(metrics) {}

  Result<IndexReport> run(const IndexRequest& request, const ProgressSink& progress,
                          const CancelToken& cancel);

 private:
  const index::StoreWriter& store_;
  VectorStage& vectors_;
  monitor::Metrics& metrics_;
};

}  // namespace docmind::pipeline
