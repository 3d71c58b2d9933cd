// CollectionIndex: background indexing of one collection: what is to be done, what is being done, what came of it.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/collection_index.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/thread_pool.h"
#include "index/store_writer.h"
#include "pipeline/background_embedder.h"
#include "pipeline/embedder_stage.h"
#include "pipeline/index_plan.h"
#include "pipeline/lexical_stage.h"

namespace docmind::pipeline {
namespace {

// Another process that writes may take long; what waits for it is shown as a run that waits.
constexpr int kLockWaitMs = 60'000;
constexpr int kRemoveWaitMs = 10'000;

std::string_view phase_name(IndexProgress::Phase phase) {
  switch (phase) {
    case IndexProgress::Phase::kScan: return "scan";
    case IndexProgress::Phase::kRead: return "read";
    case IndexProgress::Phase::kTrain: return "train";
    case IndexProgress::Phase::kEmbed: return "embed";
    case IndexProgress::Phase::kFinish: return "finish";
  }
  return "unknown";
}

// Questions must have CPUs left: one of two or less, a quarter of more.
size_t background_threads() {
  constexpr unsigned kShare = 4;
  return std::max(1U, std::thread::hardware_concurrency() / kShare);
}

void add_report(IndexReport& sum, IndexReport&& next) {
  sum.n_found += next.n_found;
  sum.n_added += next.n_added;
  sum.n_updated += next.n_updated;
  sum.n_unchanged += next.n_unchanged;
  sum.n_removed += next.n_removed;
  sum.n_ignored += next.n_ignored;
  sum.n_chunks += next.n_chunks;
  sum.read_bytes += next.read_bytes;
  sum.trained = sum.trained || next.trained;
  sum.elapsed_ms += next.elapsed_ms;
  sum.totals = next.totals;
  std::move(next.changed_paths.begin(), next.changed_paths.end(), std::back_inserter(sum.changed_paths));
  std::move(next.skipped.begin(), next.skipped.end(), std::back_inserter(sum.skipped));
  std::move(next.warnings.begin(), next.warnings.end(), std::back_inserter(sum.warnings));
}

}  // namespace

void CollectionIndex::changed() {
  ++n_changes_;
  change_.notify_all();
}

int64_t CollectionIndex::start(What what) {
  const std::lock_guard lock(mutex_);
  if (wanted_) {
    if (what == What::kEverything) wanted_ = what;
    return last_id_;
  }
  wanted_ = what;
  job_.queued = true;
  changed();
  options_.background->add([weak = weak_from_this()](const CancelToken& cancel) {
    if (const std::shared_ptr<CollectionIndex> self = weak.lock()) self->run(cancel);
  });
  return ++last_id_;
}

Result<bool> CollectionIndex::has_work() const {
  DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(options_.folder));
  DM_ASSIGN(const std::vector<int64_t> without_vector, store.chunks_without_vector(1));
  if (!without_vector.empty()) return true;
  if (uploads_.files().empty()) {
    DM_ASSIGN(const auto documents, store.documents_below(uploads_.path()));
    return !documents.empty();
  }
  DM_ASSIGN(const IndexPlan plan, plan_root(uploads_.path(), {}, false, store, {}));
  return !plan.jobs.empty() || !plan.removals.empty();
}

void CollectionIndex::resume() {
  const Result<bool> work = has_work();
  if (work.ok() && *work) start(What::kUploads);
}

void CollectionIndex::run(const CancelToken& cancel) {
  What what = What::kUploads;
  {
    const std::lock_guard lock(mutex_);
    what = wanted_.value_or(What::kUploads);
    wanted_.reset();
    running_ = cancel;
    IndexJob begun{.id = last_id_, .n_ended = job_.n_ended, .running = true};
    begun.phase = "scan";
    begun.report = std::move(job_.report);
    job_ = std::move(begun);
    changed();
  }
  Result<IndexReport> report = index(what, cancel);
  if (report.ok()) options_.on_changed(report->changed_paths);
  const bool interrupted = !report.ok() && report.error().code == ErrorCode::kCancelled;
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    again = interrupted && n_removing_ > 0;
  }
  finish(std::move(report));
  if (again) start(what);
}

Result<IndexReport> CollectionIndex::index(What what, const CancelToken& cancel) {
  index::WriterOptions writer;
  writer.lock_wait_ms = kLockWaitMs;
  writer.cancel = cancel;
  DM_ASSIGN(const index::StoreWriter store, index::StoreWriter::open(options_.folder, writer));
  ThreadPool pool(background_threads());
  LexicalStage lexical(pool, *options_.metrics);
  std::optional<BackgroundEmbedder> embedder;
  std::optional<EmbedderStage> by_model;
  if (options_.embedder != nullptr) {
    embedder.emplace(*options_.embedder, *options_.background);
    by_model.emplace(*embedder, *options_.metrics);
  }
  VectorStage& vectors = by_model ? static_cast<VectorStage&>(*by_model) : lexical;
  IndexReport sum;
  DM_ASSIGN(const std::vector<index::RootRecord> roots, store.reader().roots());
  if (what == What::kEverything && !roots.empty()) {
    DM_ASSIGN(IndexReport report, index_roots({}, store, vectors, cancel));
    add_report(sum, std::move(report));
  }
  DM_TRY(make_folders(uploads_.path()));
  const bool is_root = std::any_of(roots.begin(), roots.end(),
                                   [&](const index::RootRecord& root) { return root.path == uploads_.path(); });
  if (what == What::kUploads || !is_root) {
    DM_ASSIGN(IndexReport report, index_roots({uploads_.path()}, store, vectors, cancel));
    add_report(sum, std::move(report));
  }
  return sum;
}

// Uploads are taken with any name; folders of the user keep their globs.
Result<IndexReport> CollectionIndex::index_roots(std::vector<std::string> roots, const index::StoreWriter& store,
                                                 VectorStage& vectors, const CancelToken& cancel) {
  IndexRequest request = options_.request;
  if (!roots.empty()) request.scan = {};
  request.roots = std::move(roots);
  request.n_threads = background_threads();
  request.job.computed = options_.computed;
  Indexer indexer(store, vectors, *options_.metrics);
  const auto between_files = [this](const IndexProgress& progress) {
    show(progress);
    options_.background->give_way();
  };
  return indexer.run(request, between_files, cancel);
}

void CollectionIndex::show(const IndexProgress& progress) {
  const std::lock_guard lock(mutex_);
  job_.phase = phase_name(progress.phase);
  job_.n_done = progress.n_done;
  job_.n_total = progress.n_total;
  job_.done_bytes = progress.done_bytes;
  job_.total_bytes = progress.total_bytes;
  job_.path = progress.path;
  changed();
}

void CollectionIndex::finish(Result<IndexReport> report) {
  const std::lock_guard lock(mutex_);
  running_.reset();
  ++job_.n_ended;
  job_.running = false;
  job_.queued = wanted_.has_value();
  job_.phase.clear();
  job_.error.clear();
  if (report.ok()) job_.report = *std::move(report);
  else job_.error = report.error().message;
  changed();
}

Status CollectionIndex::remove(const std::string& path) {
  {
    const std::lock_guard lock(mutex_);
    ++n_removing_;
    if (running_) running_->cancel();
  }
  Status removed = [&]() -> Status {
    index::WriterOptions writer;
    writer.lock_wait_ms = kRemoveWaitMs;
    DM_ASSIGN(const index::StoreWriter store, index::StoreWriter::open(options_.folder, writer));
    DM_ASSIGN(const std::optional<index::DocumentRecord> document, store.reader().document(path));
    DM_ASSIGN(index::WriteBatch batch, store.begin());
    if (document) DM_TRY(batch.remove_document(document->id));
    DM_TRY(batch.remove_failure(path));
    return batch.commit();
  }();
  {
    const std::lock_guard lock(mutex_);
    --n_removing_;
  }
  // Whatever could not be done now, the next run finds.
  start(What::kUploads);
  return removed;
}

IndexJob CollectionIndex::job() const {
  const std::lock_guard lock(mutex_);
  return job_;
}

uint64_t CollectionIndex::wait_change(uint64_t seen, int64_t timeout_ms) const {
  std::unique_lock lock(mutex_);
  change_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return n_changes_ != seen; });
  return n_changes_;
}

}  // namespace docmind::pipeline
