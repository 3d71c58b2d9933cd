// Indexer: brings the store in line with the files under the given roots.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/indexer.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "index/vector_index.h"
#include "monitor/trace.h"
#include "pipeline/index_plan.h"
#include "pipeline/parse_queue.h"

namespace docmind::pipeline {
namespace {

using monitor::Counter;
using monitor::Stage;

// A batch is committed when it holds this much text or has been open this long.
constexpr size_t kBatchBytes = 8u << 20;
constexpr double kBatchMs = 1'500;

// One pass over one root: stores outcomes in batches.
class RootPass {
 public:
  RootPass(const index::StoreWriter& store, monitor::Metrics& metrics, IndexReport& report)
      : store_(store), metrics_(metrics), report_(report) {}

  Status remove_gone(const IndexPlan& plan) {
    if (plan.removals.empty() && plan.forgotten_failures.empty()) return {};
    DM_ASSIGN(index::WriteBatch * batch, open_batch());
    for (const auto& document : plan.removals) {
      DM_TRY(batch->remove_document(document.id));
      ++report_.n_removed;
      report_.changed_paths.push_back(document.path);
    }
    for (const std::string& path : plan.forgotten_failures) DM_TRY(batch->remove_failure(path));
    return commit();
  }

  Status store(const FileJob& job, FileOutcome& outcome) {
    report_.read_bytes += outcome.read_bytes;
    metrics_.add(Counter::kBytesIndexed, static_cast<uint64_t>(outcome.read_bytes));
    monitor::StageTimer timer(metrics_, Stage::kStore);
    DM_ASSIGN(index::WriteBatch * batch, open_batch());
    switch (outcome.kind) {
      case FileOutcome::Kind::kUnchanged:
        ++report_.n_unchanged;
        DM_TRY(batch->touch_document(job.known->id, job.file.stamp, job.checked_unix_ms));
        break;
      case FileOutcome::Kind::kParsed: DM_TRY(store_parsed(*batch, job, outcome)); break;
      case FileOutcome::Kind::kFailed: DM_TRY(store_failed(*batch, job, outcome)); break;
    }
    batch_bytes_ += outcome.memory_bytes;
    if (batch_bytes_ >= kBatchBytes || batch_age_.elapsed_ms() >= kBatchMs) return commit();
    return {};
  }

  Status commit() {
    if (!batch_) return {};
    Status committed = batch_->commit();
    batch_.reset();
    batch_bytes_ = 0;
    return committed;
  }

 private:
  Result<index::WriteBatch*> open_batch() {
    if (!batch_) {
      DM_ASSIGN(index::WriteBatch fresh, store_.begin());
      batch_.emplace(std::move(fresh));
      batch_age_.restart();
    }
    return &*batch_;
  }

  Status store_parsed(index::WriteBatch& batch, const FileJob& job, FileOutcome& outcome) {
    DM_TRY(batch.put_document(outcome.record, outcome.search_title, outcome.chunks));
    job.known ? ++report_.n_updated : ++report_.n_added;
    if (job.known) report_.changed_paths.push_back(job.known->path);
    report_.n_chunks += outcome.record.n_chunks;
    metrics_.add(Counter::kFilesIndexed, 1);
    metrics_.add(Counter::kChunksIndexed, static_cast<uint64_t>(outcome.record.n_chunks));
    for (std::string& text : outcome.warnings) {
      report_.warnings.push_back({job.file.path, std::move(text)});
    }
    return {};
  }

  Status store_failed(index::WriteBatch& batch, const FileJob& job, FileOutcome& outcome) {
    metrics_.add(Counter::kFilesSkipped, 1);
    const ErrorCode code = outcome.error.code;
    const bool is_gone = code == ErrorCode::kNotFound;
    // Access refused or a failed read says nothing about the content: the last good version
    // stays, and the next run tries again. Anything else is about the content itself.
    const bool keeps_last = code == ErrorCode::kPermission || code == ErrorCode::kIo;
    if (!keeps_last) {
      if (job.known) {
        DM_TRY(batch.remove_document(job.known->id));
        report_.changed_paths.push_back(job.known->path);
        if (is_gone) ++report_.n_removed;
      }
      if (!is_gone) {
        DM_TRY(batch.put_failure({job.file.path, job.file.stamp, job.checked_unix_ms,
                                  outcome.error}));
      }
    }
    if (!is_gone) report_.skipped.push_back({job.file.path, std::move(outcome.error)});
    return {};
  }

  const index::StoreWriter& store_;
  monitor::Metrics& metrics_;
  IndexReport& report_;
  std::optional<index::WriteBatch> batch_;
  Stopwatch batch_age_;
  size_t batch_bytes_ = 0;
};

Error cancelled() {
  return Error{ErrorCode::kCancelled,
               "stopped before all files were read; what was read is kept, run it again to go on"};
}

// The roots of this run with their globs: those named, or those of earlier runs.
Result<std::vector<index::RootRecord>> roots_of(const IndexRequest& request,
                                                const index::StoreReader& store) {
  std::vector<index::RootRecord> roots;
  for (const std::string& path : request.roots) {
    roots.push_back({path, request.scan.include, request.scan.exclude});
  }
  if (!roots.empty()) return roots;
  DM_ASSIGN(roots, store.roots());
  if (roots.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "nothing was indexed in this store before; name a folder or file: docmind index PATH"};
  }
  return roots;
}

// Before the files are read, so that an interrupted run can be taken up without naming the root.
Status remember_root(const index::RootRecord& root, const index::StoreWriter& store) {
  DM_ASSIGN(index::WriteBatch batch, store.begin());
  DM_TRY(batch.put_root(root));
  return batch.commit();
}

Status run_root(const index::RootRecord& root, size_t n_roots, const IndexRequest& request,
                const index::StoreWriter& store, monitor::Metrics& metrics,
                const ProgressSink& progress, const CancelToken& cancel, IndexReport& report) {
  monitor::StageTimer scan_timer(metrics, Stage::kScan);
  const ingest::ScanOptions scan{root.include, root.exclude};
  Result<IndexPlan> planned = plan_root(root.path, scan, request.rehash, store.reader(), cancel);
  if (!planned.ok() && planned.error().code != ErrorCode::kCancelled && n_roots > 1) {
    // One missing root of several: named, and the others go on.
    report.skipped.push_back({root.path, std::move(planned).error()});
    return {};
  }
  DM_ASSIGN(IndexPlan plan, std::move(planned));
  scan_timer.stop();
  DM_TRY(remember_root(root, store));
  report.n_found += plan.n_found;
  report.n_unchanged += plan.n_unchanged;
  report.n_ignored += plan.n_ignored;
  std::move(plan.skipped.begin(), plan.skipped.end(), std::back_inserter(report.skipped));

  RootPass pass(store, metrics, report);
  DM_TRY(pass.remove_gone(plan));
  IndexProgress now{.phase = IndexProgress::Phase::kRead,
                    .n_total = static_cast<int64_t>(plan.jobs.size()),
                    .total_bytes = plan.job_bytes};
  const size_t n_threads =
      request.n_threads > 0 ? request.n_threads : std::max(1u, std::thread::hardware_concurrency());
  ParseQueue queue(plan.jobs,
                   {.n_threads = n_threads,
                    .worker_executable = request.worker_executable,
                    .job = request.job},
                   metrics, cancel);
  while (std::optional<ParseQueue::Item> item = queue.next()) {
    const FileJob& job = plan.jobs[item->job];
    if (item->outcome.kind == FileOutcome::Kind::kFailed &&
        item->outcome.error.code == ErrorCode::kCancelled) {
      break;
    }
    DM_TRY(pass.store(job, item->outcome));
    ++now.n_done;
    now.done_bytes += job.file.stamp.size_bytes;
    now.path = job.file.path;
    progress(now);
  }
  DM_TRY(pass.commit());
  if (cancel.cancelled()) return cancelled();
  return {};
}

// Above the limit a scan of all vectors would be slow, so a graph is kept beside the store.
Status update_graph(const index::StoreWriter& store, size_t exact_limit) {
  DM_ASSIGN(const index::StoreCounts counts, store.reader().counts());
  if (counts.n_vectors <= static_cast<int64_t>(exact_limit)) return {};
  DM_ASSIGN(const int64_t generation, store.reader().generation());
  DM_ASSIGN(const index::VectorMatrix matrix, store.reader().load_vectors());
  const std::string path = index::graph_path(store.reader().folder());
  if (index::load_hnsw_index(path, generation, matrix.dimension(), {}).ok()) return {};
  DM_ASSIGN(const std::unique_ptr<index::VectorIndex> graph, index::build_hnsw_index(matrix, {}));
  return index::save_hnsw_index(*graph, path, generation);
}

}  // namespace

Result<IndexReport> Indexer::run(const IndexRequest& request, const ProgressSink& progress,
                                 const CancelToken& cancel) {
  const Stopwatch total;
  IndexReport report;
  DM_TRY(ingest::check_globs(request.scan));
  DM_TRY(vectors_.check(store_.reader()));
  DM_ASSIGN(const std::vector<index::RootRecord> roots, roots_of(request, store_.reader()));
  progress({.phase = IndexProgress::Phase::kScan});
  for (const index::RootRecord& root : roots) {
    DM_TRY(run_root(root, roots.size(), request, store_, metrics_, progress, cancel, report));
  }
  DM_ASSIGN(report.trained, vectors_.update(store_, progress, cancel));
  progress({.phase = IndexProgress::Phase::kFinish});
  DM_TRY(update_graph(store_, request.exact_limit));
  DM_TRY(store_.finish());
  DM_ASSIGN(report.totals, store_.reader().counts());
  metrics_.add(Counter::kFilesRemoved, static_cast<uint64_t>(report.n_removed));
  report.elapsed_ms = total.elapsed_ms();
  metrics_.record(Stage::kTotalIndex, report.elapsed_ms);
  return report;
}

}  // namespace docmind::pipeline
