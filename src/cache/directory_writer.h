// DirectoryWriter: the changes of the answer directory's file, on a connection of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "cache/answer_directory.h"
#include "cache/repairable_file.h"

namespace docmind::cache {

// All but begin(), set_wait() and clear_answers() belong within a transaction. Use from one thread at a
// time.
class DirectoryWriter {
 public:
  // kMalformed when the file is damaged.
  static Result<std::unique_ptr<DirectoryWriter>> open(const std::string& path);

  const Database& db() const { return file_.db; }
  uint64_t inode() const { return file_.inode; }

  // False: a busy file is an error at once.
  void set_wait(bool wait);
  [[nodiscard]] Result<Transaction> begin() { return Transaction::begin(file_.db); }

  // The count that every change of a record or observation raises, by any process.
  [[nodiscard]] Result<int64_t> n_changes() { return file_.db.query_int("SELECT n_changes FROM state"); }

  // The record, which check_record() allows, in place of the one with its key. Returns its id.
  [[nodiscard]] Result<int64_t> insert(const AnswerRecord& record);
  [[nodiscard]] Status erase(int64_t id);
  // The calls' order is that of the uses.
  [[nodiscard]] Status add_hits(int64_t id, int64_t n_hits, int64_t used_unix_ms);
  // Removes the least recently used when there are more than `max_records`, but never `kept_id`.
  [[nodiscard]] Status keep_newest_records(int64_t max_records, int64_t kept_id);
  [[nodiscard]] Result<std::vector<CacheKey>> invalidate(const AnswerFilter& filter);
  [[nodiscard]] Status clear_answers();  // and gives the space back

  [[nodiscard]] Status add_observation(const std::string& bytes);
  [[nodiscard]] Status keep_newest_observations(int64_t max_observations);
  [[nodiscard]] Status clear_observations();

 private:
  [[nodiscard]] Status prepare_all();
  [[nodiscard]] Result<int64_t> next_use();

  SchemaFile file_;  // before its statements, which must go first
  Statement delete_key_, insert_, add_document_, delete_id_, add_hits_, next_use_, n_records_, delete_unused_;
  Statement add_observation_, n_observations_, delete_oldest_;
};

}  // namespace docmind::cache
