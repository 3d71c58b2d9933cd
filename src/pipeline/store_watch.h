// StoreWatch: which state a store is in, asked many thousand times a second.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "index/store_reader.h"
#include "pipeline/answer_scope.h"

namespace docmind::pipeline {

// One state of the store.
struct StoreState {
  int64_t generation = 0;
  ScopeParts scope;
};

// A few read connections of its own. SQLite tells a connection in about 3 us whether anybody, in this process or
// another, has committed since it last looked (PRAGMA data_version); only then is the state read again. So what
// state() returns was true when it was called, and an answer of an older generation is never taken for fresh.
// Any number of threads.
class StoreWatch {
 public:
  // `fixed` has what does not come from the store: provider and reranker.
  static Result<std::unique_ptr<StoreWatch>> open(const std::string& folder, ScopeParts fixed, size_t n_connections);
  ~StoreWatch();

  [[nodiscard]] Result<std::shared_ptr<const StoreState>> state();
  // What the index knows of these files in that generation; nullopt when the store has moved on or one is not in it.
  [[nodiscard]] std::optional<std::vector<FileStamp>> stamps(std::span<const std::string> paths, int64_t generation);

 private:
  struct Connection;
  explicit StoreWatch(std::vector<std::unique_ptr<Connection>> connections);
  // One that nobody uses, locked; if there is none, whichever is next becomes free.
  Connection& take(std::unique_lock<std::mutex>& lock);

  const std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace docmind::pipeline
