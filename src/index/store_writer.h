// StoreWriter: the one process that changes a store. Changes are made in batches that commit whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sqlite.h"
#include "index/store_reader.h"
#include "index/types.h"

namespace docmind::index {

struct WriterOptions {
  int lock_wait_ms = 10'000;
  // Called once before waiting for another writer; pid 0 when unknown.
  std::function<void(int pid)> on_wait = [](int) {};
  CancelToken cancel = {};  // ends the waiting with kCancelled
};

// One transaction. What it holds becomes visible to readers, all at once, at commit(); without
// commit nothing happened. After a change failed (disk full), the batch can only be dropped: every
// later call returns the same error and commit() writes nothing. Calls refused for their arguments
// (kInvalidArgument, kMismatch) change nothing and do no harm. Lives no longer than its writer.
class WriteBatch {
 public:
  WriteBatch(WriteBatch&&) noexcept;
  ~WriteBatch();

  // Replaces the document at `record.path` (its chunks and vectors go) and clears its failure.
  // `search_title` is what the title column of the full-text index gets.
  Status put_document(const DocumentRecord& record, std::string_view search_title,
                      std::span<const NewChunk> chunks);
  // The content is unchanged but the stamp is new (touched file); chunks stay.
  Status touch_document(int64_t document_id, const FileStamp& stamp, int64_t checked_unix_ms);
  // A document that is not there is no error and no change.
  Status remove_document(int64_t document_id);
  Status put_failure(const FailureRecord& failure);
  Status remove_failure(std::string_view path);
  // kInvalidArgument for a glob with a line break: globs are stored one a line.
  Status put_root(const RootRecord& root);
  // Forgets the roots at or below `path`; their documents stay.
  Status remove_roots_below(std::string_view path);

  // Vector of one chunk, as encode_vector() made it. kInvalidArgument before set_embedder() and when
  // its dimension is not the embedder's.
  Status put_vector(int64_t chunk_id, std::string_view encoded);
  // Names the embedder of all vectors to come; kMismatch with both names when vectors of another
  // one are there (drop_vectors() first).
  Status set_embedder(const EmbedderRecord& embedder);
  // Removes all vectors, the embedder's name and its state.
  Status drop_vectors();
  Status put_embedder_state(std::string_view key, std::string_view value);
  Status clear_embedder_state();

  // Raises the generation if documents, chunks or vectors changed, then commits.
  Status commit();

 private:
  friend class StoreWriter;
  struct Impl;
  explicit WriteBatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Holds the store's writer lock from open to destruction. One thread at a time.
class StoreWriter {
 public:
  // Creates or migrates the store. kBusy names the process that is writing. A file that is not ours
  // or newer is refused before anything of it changes.
  static Result<StoreWriter> open(const std::string& folder, const WriterOptions& options);

  // Sees the writer's own committed state; same thread.
  const StoreReader& reader() const { return reader_; }
  Result<WriteBatch> begin() const;
  // Folds the write-ahead log into the database and refreshes the query planner's statistics; call
  // when done.
  Status finish() const;

 private:
  StoreWriter(FileLock lock, StoreReader reader)
      : lock_(std::move(lock)), reader_(std::move(reader)) {}

  FileLock lock_;
  StoreReader reader_;
};

// kMismatch with both names and what to do, unless `stored` is empty or equals `wanted`.
Status check_embedder(const std::optional<EmbedderRecord>& stored, const EmbedderRecord& wanted);

}  // namespace docmind::index
