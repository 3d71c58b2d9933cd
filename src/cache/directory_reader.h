// DirectoryReader: what the answer directory reads from its file, on a connection of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "cache/answer_directory.h"
#include "cache/repairable_file.h"

namespace docmind::cache {

// A record, or the id of one that is there but damaged, or neither.
struct FoundRecord {
  std::optional<AnswerRecord> record;
  int64_t damaged_id = 0;
};

// SQLite lets a reader work while another connection writes, so that no call here waits for a writer. Use
// from one thread at a time.
class DirectoryReader {
 public:
  // kMalformed when the file is damaged.
  static Result<std::unique_ptr<DirectoryReader>> open(const std::string& path);

  const Database& db() const { return file_.db; }
  uint64_t inode() const { return file_.inode; }

  [[nodiscard]] Result<FoundRecord> find(int64_t id);
  [[nodiscard]] Result<FoundRecord> find(const CacheKey& key);
  // Newest use first.
  [[nodiscard]] Result<std::vector<int64_t>> ids_of(std::string_view tenant, int64_t limit);
  // Visits `limit` vectors of a scope at most; returns the id to go on after, 0 when there are no more.
  [[nodiscard]] Result<int64_t> visit_vectors(const Digest& scope, int64_t after_id, int64_t limit,
                                              const std::function<void(const AnswerVector&)>& visit);
  // Oldest first, the newest `limit`.
  [[nodiscard]] Result<std::vector<Observation>> observations(int64_t limit);
  [[nodiscard]] Result<DirectoryCounts> counts();
  // Changes with every commit of any other connection.
  [[nodiscard]] Result<int64_t> data_version();
  // Changes with every record or observation that is added or removed.
  [[nodiscard]] Result<int64_t> n_changes();

 private:
  [[nodiscard]] Status prepare_all();
  [[nodiscard]] Result<bool> read_row(const Statement& row, AnswerRecord& record);
  [[nodiscard]] Result<bool> read_documents(AnswerRecord& record);

  SchemaFile file_;  // before its statements, which must go first
  Statement by_id_, id_of_key_, documents_, ids_of_, vectors_, observations_, data_version_, n_changes_;
};

}  // namespace docmind::cache
