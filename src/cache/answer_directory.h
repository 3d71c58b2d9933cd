// AnswerDirectory: the questions whose answers are cached, what they depend on and what became of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cache/cached_answer.h"
#include "cache/calibrator.h"
#include "cache/tier.h"

namespace docmind::cache {

// One cached question. The answer itself lies in the tiers under `key`.
struct AnswerRecord {
  int64_t id = 0;           // given by insert(); never given twice
  CacheKey key{};           // AnswerCache::key_of(); one record a key
  Digest scope{};           // digest of AnswerScope
  std::string tenant;
  std::string question;
  std::string vector;       // encode_vector() of the question's embedding; may be empty
  std::vector<Dependency> dependencies;
  bool negative = false;    // "not in the documents"
  int64_t created_unix_ms = 0;
  int64_t used_unix_ms = 0;
  int64_t n_hits = 0;
  double cost_ms = 0;       // that making the answer took
  int64_t cost_tokens = 0;  // that making it took: prompt and completion; 0 where none were counted
  int64_t answer_bytes = 0;
  bool operator==(const AnswerRecord&) const = default;
};

// What search in memory needs of a record.
struct AnswerVector {
  int64_t id = 0;
  std::string_view vector;  // borrowed during the visit
};

struct AnswerDirectoryOptions {
  std::string path;                 // of the SQLite file; its folder must exist
  int64_t max_records = 100'000;    // beyond it the least recently used go
  int64_t max_observations = 20'000;  // beyond it the oldest go
  WallClock now = unix_time_ms;
};

// Which records invalidate() removes: all that every field given agrees with.
struct AnswerFilter {
  std::optional<std::string> document = {};   // depends on this very path
  std::optional<std::string> folder = {};     // depends on something at or below this path
  std::optional<std::string> tenant = {};
  std::optional<int64_t> created_before_unix_ms = {};
  bool negatives_only = false;
};

struct DirectoryCounts {
  int64_t n_records = 0;
  int64_t n_negative = 0;
  int64_t n_hits = 0;         // of the records that are there
  double saved_ms = 0;        // hits times cost
  int64_t saved_tokens = 0;
  int64_t n_observations = 0;
  int64_t file_bytes = 0;
};

// Any number of threads and processes may use one file. A killed process loses nothing that was
// inserted (a power cut perhaps the last moments) and leaves nothing torn. A damaged file is renamed to
// PATH.corrupt and a new one begun. A call waits at most about a second for another process, then
// fails with kBusy.
class AnswerDirectory {
 public:
  // kMismatch when the file belongs to another application or version; it is left alone then.
  static Result<std::unique_ptr<AnswerDirectory>> open(AnswerDirectoryOptions options);
  ~AnswerDirectory();
  // What had to be repaired since the last call, a sentence for the user; empty: nothing.
  [[nodiscard]] std::string take_warning();

  // Replaces the record with this key, which then has a new id; a time of 0 becomes now. Returns the id. Limits as in
  // cached_answer.h, a question at most kMaxQuestionBytes: else kLimit.
  [[nodiscard]] Result<int64_t> insert(const AnswerRecord& record);
  [[nodiscard]] Result<std::optional<AnswerRecord>> find(int64_t id);
  [[nodiscard]] Result<std::optional<AnswerRecord>> find(const CacheKey& key);
  // Newest use first.
  [[nodiscard]] Result<std::vector<AnswerRecord>> list(std::string_view tenant, int64_t limit);
  [[nodiscard]] Status erase(int64_t id);
  // Returns the keys of the removed records, whose values the caller erases from the tiers.
  [[nodiscard]] Result<std::vector<CacheKey>> invalidate(const AnswerFilter& filter);
  [[nodiscard]] Status clear();  // observations stay

  // Vectors of a scope with an id above `after_id`, ascending.
  [[nodiscard]] Status visit_vectors(const Digest& scope, int64_t after_id,
                                     const std::function<void(const AnswerVector&)>& visit);
  // Changes whenever somebody else changed records or observations, another process or another object
  // on the file; cheap. Rarely also when this one did, and then nobody else need have.
  [[nodiscard]] Result<int64_t> foreign_version();

  // Counts a hit; noted in memory and written with the next change or at destruction, or now when many are noted
  // and the caller `may_write`.
  void note_hit(int64_t id, bool may_write = true);

  [[nodiscard]] Status add_observations(std::span<const Observation> observations);
  // Oldest first.
  [[nodiscard]] Result<std::vector<Observation>> observations();
  [[nodiscard]] Status clear_observations();

  [[nodiscard]] Result<DirectoryCounts> counts();

 private:
  struct Impl;
  explicit AnswerDirectory(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

inline constexpr size_t kMaxQuestionBytes = 64 << 10;

}  // namespace docmind::cache
