// StoreReader: everything that can be asked of a store. Many may read while one writes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "index/types.h"
#include "index/vector_matrix.h"

namespace docmind::index {

// The files of a store folder.
std::string database_path(const std::string& folder);
std::string lock_path(const std::string& folder);
std::string cache_path(const std::string& folder);      // answers
std::string questions_path(const std::string& folder);  // the questions that they answer
std::string computed_path(const std::string& folder);   // embeddings, parsed files, ...
std::string graph_path(const std::string& folder);

// A view of one store through its own connection; use from one thread at a time. Each call sees
// the last committed state; begin_snapshot() makes several calls see the same one.
class StoreReader {
 public:
  // kNotFound when there is no store in `folder` yet; the message says how to index.
  static Result<StoreReader> open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const Database& db() const { return *db_; }

  // Until end_snapshot(), all calls see the state that is committed now. Not for a writer's reader.
  Status begin_snapshot() const;
  Status end_snapshot() const;

  Result<std::string> store_id() const;
  // Raised by every commit that changed documents, chunks or vectors.
  Result<int64_t> generation() const;
  Result<StoreCounts> counts() const;
  Result<std::vector<RootRecord>> roots() const;

  Result<std::optional<DocumentRecord>> document(std::string_view path) const;
  // All documents at or below `root`, sorted by path; every document when `root` is empty.
  Result<std::vector<DocumentRecord>> documents_below(std::string_view root) const;
  Result<std::vector<FailureRecord>> failures_below(std::string_view root) const;

  // The chunks with these ids, in this order; ids that are gone are left out.
  Result<std::vector<StoredChunk>> chunks(std::span<const int64_t> ids) const;
  // Ids of the chunks that have no vector yet, ascending, at most `limit`.
  Result<std::vector<int64_t>> chunks_without_vector(int64_t limit) const;
  // Calls `visit` with id, search title, heading and text of chunks in id order, starting after
  // `after_id`; stops when it returns false.
  Status visit_chunks(int64_t after_id,
                      const std::function<bool(int64_t id, std::string_view title,
                                               std::string_view heading, std::string_view text)>&
                          visit) const;

  // The embedder whose vectors the store holds; nullopt while there are none.
  Result<std::optional<EmbedderRecord>> embedder() const;
  Result<std::optional<std::string>> embedder_state(std::string_view key) const;
  // All vectors, ids ascending. Empty when the store has none.
  Result<VectorMatrix> load_vectors() const;
  // The vectors of these chunks, in this order. Chunks without one (a run that was interrupted, or
  // is under way) are left out.
  Result<VectorMatrix> load_vectors(std::span<const int64_t> ids) const;

 private:
  friend class StoreWriter;
  StoreReader(std::string folder, std::shared_ptr<Database> db)
      : folder_(std::move(folder)), db_(std::move(db)) {}

  std::string folder_;
  std::shared_ptr<Database> db_;
};

}  // namespace docmind::index
