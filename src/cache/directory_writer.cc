// DirectoryWriter: the changes of the answer directory's file, on a connection of its own.
// SPDX-License-Identifier: Apache-2.0
#include "cache/directory_writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <variant>

#include "cache/directory_schema.h"

namespace docmind::cache {
namespace {

constexpr int kWriterWaitMs = 1'000;
// So many go at once, so that most inserts need not look for what to remove.
constexpr int64_t kEvictionParts = 20;

std::string_view blob_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<int64_t> count_from(Statement& statement) {
  const Result<bool> row = statement.step();
  const int64_t count = row.ok() && *row ? statement.column_int(0) : 0;
  statement.reset();
  if (!row.ok()) return row.error();
  return count;
}

// The conditions of a filter with the values of their parameters, in order.
struct FilterSql {
  std::string conditions = "1";
  std::vector<std::variant<std::string, int64_t>> values;

  void bind_to(Statement& statement) const {
    for (size_t i = 0; i < values.size(); ++i) {
      const int position = static_cast<int>(i) + 1;
      if (const auto* number = std::get_if<int64_t>(&values[i])) statement.bind(position, *number);
      if (const auto* text = std::get_if<std::string>(&values[i])) statement.bind_blob(position, *text);
    }
  }
};

// At or below a folder: its own path, or what begins with it and a '/'. As '0' follows '/', those paths are
// one range of the index. The empty folder holds every path.
void add_folder(FilterSql& sql, std::string folder) {
  const bool any = folder.empty();
  while (!folder.empty() && folder.back() == '/') folder.pop_back();
  sql.conditions += " AND id IN (SELECT answer_id FROM answer_documents";
  if (!any) {
    sql.conditions += " WHERE path=? OR (path>=? AND path<?)";
    sql.values.insert(sql.values.end(), {folder, folder + '/', folder + static_cast<char>('/' + 1)});
  }
  sql.conditions += ")";
}

FilterSql sql_of(const AnswerFilter& filter) {
  FilterSql sql;
  if (filter.document) {
    sql.conditions += " AND id IN (SELECT answer_id FROM answer_documents WHERE path=?)";
    sql.values.emplace_back(*filter.document);
  }
  if (filter.folder) add_folder(sql, *filter.folder);
  if (filter.tenant) {
    sql.conditions += " AND tenant=?";
    sql.values.emplace_back(*filter.tenant);
  }
  if (filter.created_before_unix_ms) {
    sql.conditions += " AND created_unix_ms<?";
    sql.values.emplace_back(*filter.created_before_unix_ms);
  }
  if (filter.negatives_only) sql.conditions += " AND negative<>0";
  return sql;
}

}  // namespace

Result<std::unique_ptr<DirectoryWriter>> DirectoryWriter::open(const std::string& path) {
  auto writer = std::unique_ptr<DirectoryWriter>(new DirectoryWriter);
  DM_ASSIGN(writer->file_, open_directory_file(path));
  if (Status prepared = writer->prepare_all(); !prepared.ok()) {
    Error error = std::move(prepared).error();
    if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kMalformed;  // a column is missing
    return error;
  }
  return writer;
}

Status DirectoryWriter::prepare_all() {
  const Database& db = file_.db;
  DM_ASSIGN(delete_key_, db.prepare("DELETE FROM answers WHERE key=?1"));
  DM_ASSIGN(insert_, db.prepare("INSERT INTO answers(key, scope, negative, created_unix_ms, used_unix_ms, "
                                "use_order, n_hits, cost_ms, cost_tokens, answer_bytes, checksum, tenant, "
                                "vector, question) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)"));
  DM_ASSIGN(add_document_, db.prepare("INSERT INTO answer_documents VALUES(?1,?2,?3,?4)"));
  DM_ASSIGN(delete_id_, db.prepare("DELETE FROM answers WHERE id=?1"));
  DM_ASSIGN(add_hits_, db.prepare("UPDATE answers SET n_hits=n_hits+?2, used_unix_ms=max(used_unix_ms, ?3), "
                                  "use_order=?4 WHERE id=?1"));
  DM_ASSIGN(next_use_, db.prepare("UPDATE state SET n_uses=n_uses+1 RETURNING n_uses"));
  DM_ASSIGN(n_records_, db.prepare("SELECT n_records FROM state"));
  DM_ASSIGN(delete_unused_, db.prepare("DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE id<>?1 "
                                       "ORDER BY use_order LIMIT ?2)"));
  DM_ASSIGN(add_observation_, db.prepare("INSERT INTO observations(record) VALUES(?1)"));
  DM_ASSIGN(n_observations_, db.prepare("SELECT n_observations FROM state"));
  DM_ASSIGN(delete_oldest_, db.prepare("DELETE FROM observations WHERE id IN "
                                       "(SELECT id FROM observations ORDER BY id LIMIT ?1)"));
  return {};
}

void DirectoryWriter::set_wait(bool wait) {
  sqlite3_busy_timeout(file_.db.handle(), wait ? kWriterWaitMs : 0);
}

Result<int64_t> DirectoryWriter::insert(const AnswerRecord& record) {
  DM_TRY(delete_key_.bind_blob(1, blob_of(record.key)).run());
  DM_ASSIGN(const int64_t use, next_use());
  DM_TRY(insert_.bind_blob(1, blob_of(record.key))
             .bind_blob(2, blob_of(record.scope))
             .bind(3, static_cast<int64_t>(record.negative))
             .bind(4, record.created_unix_ms)
             .bind(5, record.used_unix_ms)
             .bind(6, use)
             .bind(7, record.n_hits)
             .bind(8, record.cost_ms)
             .bind(9, record.cost_tokens)
             .bind(10, record.answer_bytes)
             .bind(11, checksum_of(record))
             .bind_blob(12, record.tenant)
             .bind_blob(13, record.vector)
             .bind_blob(14, record.question)
             .run());
  const int64_t id = file_.db.last_insert_id();
  int64_t position = 0;
  for (const Dependency& dependency : record.dependencies) {
    DM_TRY(add_document_.bind(1, id)
               .bind(2, position++)
               .bind_blob(3, dependency.path)
               .bind_blob(4, dependency.content_hash)
               .run());
  }
  return id;
}

Status DirectoryWriter::erase(int64_t id) { return delete_id_.bind(1, id).run(); }

Status DirectoryWriter::add_hits(int64_t id, int64_t n_hits, int64_t used_unix_ms) {
  DM_ASSIGN(const int64_t use, next_use());
  return add_hits_.bind(1, id).bind(2, n_hits).bind(3, used_unix_ms).bind(4, use).run();
}

Result<int64_t> DirectoryWriter::next_use() { return count_from(next_use_); }

Status DirectoryWriter::keep_newest_records(int64_t max_records, int64_t kept_id) {
  DM_ASSIGN(const int64_t n_records, count_from(n_records_));
  if (n_records <= max_records) return {};
  const int64_t n_spare = std::min(max_records - 1, max_records / kEvictionParts);
  return delete_unused_.bind(1, kept_id).bind(2, n_records - max_records + n_spare).run();
}

Result<std::vector<CacheKey>> DirectoryWriter::invalidate(const AnswerFilter& filter) {
  const FilterSql sql = sql_of(filter);
  // RETURNING would read the whole of each row.
  DM_ASSIGN(Statement matching, file_.db.prepare("SELECT id, CASE WHEN typeof(key)='blob' AND length(key)=32 "
                                                 "THEN key END FROM answers WHERE " + sql.conditions));
  sql.bind_to(matching);
  std::vector<int64_t> ids;
  std::vector<CacheKey> keys;
  Result<bool> row = matching.step();
  for (; row.ok() && *row; row = matching.step()) {
    ids.push_back(matching.column_int(0));
    const std::string_view bytes = matching.column_blob(1);
    CacheKey key{};
    if (bytes.size() != key.size()) continue;  // of a damaged row: no value has it
    std::copy(bytes.begin(), bytes.end(), key.begin());
    keys.push_back(key);
  }
  matching.reset();
  if (!row.ok()) return std::move(row).error();
  for (const int64_t id : ids) DM_TRY(erase(id));
  return keys;
}

Status DirectoryWriter::clear_answers() {
  {
    DM_ASSIGN(Transaction transaction, begin());
    // At once, which the trigger would do document by document.
    DM_TRY(file_.db.exec("DELETE FROM answer_documents; DELETE FROM answers"));
    DM_TRY(transaction.commit());
  }
  // All is gone already; a reader that holds this up only keeps the file large.
  Status shrunk = file_.db.exec("VACUUM");
  if (shrunk.ok()) shrunk = file_.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!shrunk.ok() && shrunk.error().code == ErrorCode::kMalformed) return shrunk;
  return {};
}

Status DirectoryWriter::add_observation(const std::string& bytes) {
  return add_observation_.bind_blob(1, bytes).run();
}

Status DirectoryWriter::keep_newest_observations(int64_t max_observations) {
  DM_ASSIGN(const int64_t n_observations, count_from(n_observations_));
  if (n_observations <= max_observations) return {};
  return delete_oldest_.bind(1, n_observations - max_observations).run();
}

Status DirectoryWriter::clear_observations() { return file_.db.exec("DELETE FROM observations"); }

}  // namespace docmind::cache
