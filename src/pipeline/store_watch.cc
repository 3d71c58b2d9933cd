// StoreWatch: which state a store is in, asked many thousand times a second.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/store_watch.h"

#include <functional>
#include <thread>
#include <utility>

namespace docmind::pipeline {

struct StoreWatch::Connection {
  Connection(index::StoreReader reader, Statement statement, ScopeParts parts)
      : store(std::move(reader)), data_version(std::move(statement)), fixed(std::move(parts)) {}

  Result<std::shared_ptr<const StoreState>> look();
  Result<std::shared_ptr<const StoreState>> read_state() const;

  std::mutex mutex;
  index::StoreReader store;
  Statement data_version;  // of the store's connection, so it goes first
  const ScopeParts fixed;
  int64_t seen = -1;
  std::shared_ptr<const StoreState> state;
};

// Reading after the version means that a commit in between is read now and noticed once more later.
Result<std::shared_ptr<const StoreState>> StoreWatch::Connection::look() {
  const Result<bool> row = data_version.step();
  const int64_t version = row.ok() && *row ? data_version.column_int(0) : -1;
  data_version.reset();
  if (!row.ok()) return row.error();
  if (state != nullptr && version == seen) return state;
  state = nullptr;
  DM_ASSIGN(state, read_state());
  seen = version;
  return state;
}

Result<std::shared_ptr<const StoreState>> StoreWatch::Connection::read_state() const {
  DM_TRY(store.begin_snapshot());
  Result<std::shared_ptr<const StoreState>> read = [&]() -> Result<std::shared_ptr<const StoreState>> {
    auto fresh = std::make_shared<StoreState>();
    fresh->scope = fixed;
    DM_ASSIGN(fresh->generation, store.generation());
    DM_ASSIGN(fresh->scope.store_id, store.store_id());
    DM_ASSIGN(const std::optional<index::EmbedderRecord> embedder, store.embedder());
    if (embedder) fresh->scope.embedder = embedder->identity;
    return std::shared_ptr<const StoreState>(std::move(fresh));
  }();
  DM_TRY(store.end_snapshot());
  return read;
}

StoreWatch::StoreWatch(std::vector<std::unique_ptr<Connection>> connections) : connections_(std::move(connections)) {}
StoreWatch::~StoreWatch() = default;

Result<std::unique_ptr<StoreWatch>> StoreWatch::open(const std::string& folder, ScopeParts fixed,
                                                     size_t n_connections) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (size_t i = 0; i < n_connections; ++i) {
    DM_ASSIGN(index::StoreReader store, index::StoreReader::open(folder));
    DM_ASSIGN(Statement statement, store.db().prepare("PRAGMA data_version"));
    connections.push_back(std::make_unique<Connection>(std::move(store), std::move(statement), fixed));
  }
  return std::unique_ptr<StoreWatch>(new StoreWatch(std::move(connections)));
}

StoreWatch::Connection& StoreWatch::take(std::unique_lock<std::mutex>& lock) {
  // Threads begin at different places, so that they rarely meet.
  const size_t first = std::hash<std::thread::id>()(std::this_thread::get_id());
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[(first + i) % connections_.size()];
    lock = std::unique_lock(connection.mutex, std::try_to_lock);
    if (lock.owns_lock()) return connection;
  }
  Connection& connection = *connections_[first % connections_.size()];
  lock = std::unique_lock(connection.mutex);
  return connection;
}

Result<std::shared_ptr<const StoreState>> StoreWatch::state() {
  std::unique_lock<std::mutex> lock;
  return take(lock).look();
}

std::optional<std::vector<FileStamp>> StoreWatch::stamps(std::span<const std::string> paths, int64_t generation) {
  std::unique_lock<std::mutex> lock;
  const index::StoreReader& store = take(lock).store;
  if (!store.begin_snapshot().ok()) return std::nullopt;
  std::optional<std::vector<FileStamp>> stamps;
  if (const Result<int64_t> now = store.generation(); now.ok() && *now == generation) stamps.emplace();
  for (size_t i = 0; stamps && i < paths.size(); ++i) {
    const Result<std::optional<index::DocumentRecord>> document = store.document(paths[i]);
    if (document.ok() && document->has_value()) stamps->push_back((*document)->stamp);
    else stamps.reset();
  }
  return store.end_snapshot().ok() ? std::move(stamps) : std::nullopt;
}

}  // namespace docmind::pipeline
