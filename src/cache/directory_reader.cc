// DirectoryReader: what the answer directory reads from its file, on a connection of its own.
// SPDX-License-Identifier: Apache-2.0
#include "cache/directory_reader.h"

#include <algorithm>

#include "cache/directory_schema.h"
#include "cache/observation_codec.h"

namespace docmind::cache {
namespace {

constexpr std::string_view kRecordColumns =
    "SELECT id, key, scope, tenant, question, vector, negative, created_unix_ms, used_unix_ms, n_hits, "
    "cost_ms, cost_tokens, answer_bytes, checksum FROM answers ";
constexpr int kChecksumColumn = 13;

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// False when the blob is no digest.
bool read_digest(std::string_view bytes, Digest& digest) {
  if (bytes.size() != digest.size()) return false;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return true;
}

// A double of SQLite as an integer, at the ends of the range where it does not fit.
int64_t to_integer(double value) {
  constexpr double kMax = 9.2e18;
  return static_cast<int64_t>(std::clamp(value, -kMax, kMax));
}

Result<int64_t> one_integer(Statement& statement) {
  const Result<bool> row = statement.step();
  const int64_t value = row.ok() && *row ? statement.column_int(0) : 0;
  statement.reset();
  if (!row.ok()) return row.error();
  return value;
}

}  // namespace

Result<std::unique_ptr<DirectoryReader>> DirectoryReader::open(const std::string& path) {
  auto reader = std::unique_ptr<DirectoryReader>(new DirectoryReader);
  DM_ASSIGN(reader->file_, open_directory_file(path));
  if (Status prepared = reader->prepare_all(); !prepared.ok()) {
    Error error = std::move(prepared).error();
    if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kMalformed;  // a column is missing
    return error;
  }
  return reader;
}

Status DirectoryReader::prepare_all() {
  const Database& db = file_.db;
  const std::string record(kRecordColumns);
  DM_ASSIGN(by_id_, db.prepare(record + "WHERE id=?1"));
  DM_ASSIGN(id_of_key_, db.prepare("SELECT id FROM answers WHERE key=?1"));
  DM_ASSIGN(documents_, db.prepare("SELECT path, content_hash FROM answer_documents WHERE answer_id=?1 "
                                   "ORDER BY position"));
  DM_ASSIGN(ids_of_, db.prepare("SELECT id FROM answers WHERE tenant=?1 ORDER BY use_order DESC LIMIT ?2"));
  // A row of a hostile file that is too long to read must not end the visit.
  DM_ASSIGN(vectors_, db.prepare("SELECT id, vector FROM answers WHERE scope=?1 AND id>?2 AND "
                                 "CASE WHEN typeof(vector)='blob' THEN length(vector) ELSE 0 END "
                                 "BETWEEN 1 AND " + std::to_string(kMaxVectorBytes) + " ORDER BY id LIMIT ?3"));
  DM_ASSIGN(observations_, db.prepare("SELECT record FROM observations WHERE CASE WHEN "
                                      "typeof(record)='blob' THEN length(record) ELSE 0 END=" +
                                      std::to_string(kObservationBytes) + " ORDER BY id DESC LIMIT ?1"));
  DM_ASSIGN(data_version_, db.prepare("PRAGMA data_version"));
  DM_ASSIGN(n_changes_, db.prepare("SELECT n_changes FROM state"));
  return db.exec("PRAGMA query_only=ON");
}

Result<FoundRecord> DirectoryReader::find(const CacheKey& key) {
  id_of_key_.bind_blob(1, bytes_of(key));
  DM_ASSIGN(const int64_t id, one_integer(id_of_key_));
  if (id == 0) return FoundRecord{};
  DM_ASSIGN(FoundRecord found, find(id));
  // A damaged index may lead to the record of somebody else.
  if (found.record && found.record->key != key) return FoundRecord{.record = {}, .damaged_id = id};
  return found;
}

Result<FoundRecord> DirectoryReader::find(int64_t id) {
  by_id_.bind(1, id);
  AnswerRecord record;
  bool found = false;
  bool sound = false;
  Result<bool> row = by_id_.step();
  if (row.ok() && *row) {
    found = true;
    // While this statement stands on its row, the documents are read from the same state of the file.
    row = read_row(by_id_, record);
    sound = row.ok() && *row;
  }
  by_id_.reset();
  // A column that is too long to read is damage of this row alone.
  if (!row.ok() && row.error().code != ErrorCode::kLimit) return std::move(row).error();
  FoundRecord result;
  if (sound) result.record = std::move(record);
  if (!sound && (found || !row.ok())) result.damaged_id = id;
  return result;
}

// False: the row is damaged.
Result<bool> DirectoryReader::read_row(const Statement& row, AnswerRecord& record) {
  record.id = row.column_int(0);
  if (!read_digest(row.column_blob(1), record.key) || !read_digest(row.column_blob(2), record.scope)) {
    return false;
  }
  record.tenant = row.column_blob(3);
  record.question = row.column_blob(4);
  record.vector = row.column_blob(5);
  record.negative = row.column_int(6) != 0;
  record.created_unix_ms = row.column_int(7);
  record.used_unix_ms = row.column_int(8);
  record.n_hits = std::max<int64_t>(row.column_int(9), 0);
  record.cost_ms = row.column_double(10);
  record.cost_tokens = row.column_int(11);
  record.answer_bytes = row.column_int(12);
  const int64_t checksum = row.column_int(kChecksumColumn);
  DM_ASSIGN(const bool read, read_documents(record));
  return read && checksum == checksum_of(record) && check_record(record).ok();
}

// False: there are more than any record has.
Result<bool> DirectoryReader::read_documents(AnswerRecord& record) {
  documents_.bind(1, record.id);
  size_t left_bytes = kMaxDependencyBytes;
  bool fits = true;
  Result<bool> row = documents_.step();
  for (; row.ok() && *row && fits; row = documents_.step()) {
    const std::string_view path = documents_.column_blob(0);
    const std::string_view content_hash = documents_.column_blob(1);
    fits = record.dependencies.size() < kMaxDependencies && path.size() <= kMaxPathBytes &&
           content_hash.size() <= kMaxHashBytes && path.size() + content_hash.size() <= left_bytes;
    if (!fits) break;
    left_bytes -= path.size() + content_hash.size();
    record.dependencies.push_back({std::string(path), std::string(content_hash)});
  }
  documents_.reset();
  if (!row.ok()) return std::move(row).error();
  return fits;
}

Result<std::vector<int64_t>> DirectoryReader::ids_of(std::string_view tenant, int64_t limit) {
  ids_of_.bind_blob(1, tenant).bind(2, std::max<int64_t>(limit, 0));
  std::vector<int64_t> ids;
  Result<bool> row = ids_of_.step();
  for (; row.ok() && *row; row = ids_of_.step()) ids.push_back(ids_of_.column_int(0));
  ids_of_.reset();
  if (!row.ok()) return std::move(row).error();
  return ids;
}

Result<int64_t> DirectoryReader::visit_vectors(const Digest& scope, int64_t after_id, int64_t limit,
                                               const std::function<void(const AnswerVector&)>& visit) {
  vectors_.bind_blob(1, bytes_of(scope)).bind(2, after_id).bind(3, limit);
  int64_t n_visited = 0;
  int64_t last_id = 0;
  Result<bool> row = vectors_.step();
  for (; row.ok() && *row; row = vectors_.step()) {
    last_id = vectors_.column_int(0);
    ++n_visited;
    visit({.id = last_id, .vector = vectors_.column_blob(1)});
  }
  vectors_.reset();
  if (!row.ok()) return std::move(row).error();
  return n_visited == limit ? last_id : 0;
}

Result<std::vector<Observation>> DirectoryReader::observations(int64_t limit) {
  observations_.bind(1, limit);
  std::vector<Observation> observations;
  Result<bool> row = observations_.step();
  for (; row.ok() && *row; row = observations_.step()) {
    Result<Observation> observation = decode_observation(observations_.column_blob(0));
    if (observation.ok()) observations.push_back(*observation);
  }
  observations_.reset();
  if (!row.ok()) return std::move(row).error();
  std::reverse(observations.begin(), observations.end());
  return observations;
}

Result<DirectoryCounts> DirectoryReader::counts() {
  DM_ASSIGN(Statement sums, file_.db.prepare(
                                "SELECT count(*), count(CASE WHEN negative<>0 THEN 1 END), total(n_hits), "
                                "total(n_hits*cost_ms), total(n_hits*cost_tokens) FROM answers"));
  DM_ASSIGN(const bool row, sums.step());
  DirectoryCounts counts;
  if (row) {
    counts.n_records = sums.column_int(0);
    counts.n_negative = sums.column_int(1);
    counts.n_hits = to_integer(sums.column_double(2));
    counts.saved_ms = sums.column_double(3);
    counts.saved_tokens = to_integer(sums.column_double(4));
  }
  sums.reset();
  DM_ASSIGN(counts.n_observations, file_.db.query_int("SELECT count(*) FROM observations"));
  DM_ASSIGN(const int64_t n_pages, file_.db.query_int("PRAGMA page_count"));
  counts.file_bytes = n_pages * file_.page_bytes;
  return counts;
}

Result<int64_t> DirectoryReader::data_version() { return one_integer(data_version_); }

Result<int64_t> DirectoryReader::n_changes() { return one_integer(n_changes_); }

}  // namespace docmind::cache
