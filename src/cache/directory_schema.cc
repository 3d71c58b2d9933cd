// The SQLite schema of the answer directory.
// SPDX-License-Identifier: Apache-2.0
#include "cache/directory_schema.h"

#include <bit>
#include <cmath>

namespace docmind::cache {
namespace {

constexpr int kDirectoryApplicationId = 0x444d4e41;  // "DMNA" in the SQLite header
constexpr int kDirectorySchemaVersion = 1;
// Question, tenant and vector take 64 KiB each at most.
constexpr int64_t kMaxDirectoryRowBytes = 1 << 20;
// SQLite gives no more ids after the last one of 64 bits; a file that claims to be near is damaged.
constexpr std::string_view kHighestId = "4611686018427387904";

// Texts are blobs, so that any bytes are compared as they are. The long columns stand last, so that the
// others are read without following their overflow pages. Triggers keep the counts, whoever writes.
constexpr std::string_view kCreateDirectory = R"sql(
CREATE TABLE answers(
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
  key BLOB NOT NULL UNIQUE,
  scope BLOB NOT NULL,
  negative INTEGER NOT NULL,
  created_unix_ms INTEGER NOT NULL,
  used_unix_ms INTEGER NOT NULL,
  use_order INTEGER NOT NULL,            -- a count of uses, as clocks go backwards
  n_hits INTEGER NOT NULL,
  cost_ms REAL NOT NULL,
  cost_tokens INTEGER NOT NULL,
  answer_bytes INTEGER NOT NULL,
  checksum INTEGER NOT NULL,             -- over all that never changes, documents included
  tenant BLOB NOT NULL,
  vector BLOB NOT NULL,
  question BLOB NOT NULL
);
CREATE INDEX answers_by_scope ON answers(scope);
CREATE INDEX answers_by_use ON answers(use_order);
CREATE INDEX answers_by_age ON answers(created_unix_ms);
CREATE INDEX answers_by_tenant ON answers(tenant, use_order);
CREATE INDEX answers_negative ON answers(negative) WHERE negative <> 0;
CREATE TABLE answer_documents(
  answer_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  path BLOB NOT NULL,
  content_hash BLOB NOT NULL,
  PRIMARY KEY(answer_id, position)
) WITHOUT ROWID;
CREATE INDEX answer_documents_by_path ON answer_documents(path);
CREATE TABLE observations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record BLOB NOT NULL
);
CREATE TABLE state(
  n_changes INTEGER NOT NULL,  -- of records and observations; hits are none
  n_uses INTEGER NOT NULL,     -- the highest use_order given
  n_records INTEGER NOT NULL,
  n_observations INTEGER NOT NULL
);
INSERT INTO state VALUES(0, 0, 0, 0);
CREATE TRIGGER answer_added AFTER INSERT ON answers BEGIN
  UPDATE state SET n_changes=n_changes+1, n_records=n_records+1;
END;
CREATE TRIGGER answer_removed AFTER DELETE ON answers BEGIN
  DELETE FROM answer_documents WHERE answer_id=OLD.id;
  UPDATE state SET n_changes=n_changes+1, n_records=n_records-1;
END;
CREATE TRIGGER observation_added AFTER INSERT ON observations BEGIN
  UPDATE state SET n_changes=n_changes+1, n_observations=n_observations+1;
END;
CREATE TRIGGER observation_removed AFTER DELETE ON observations BEGIN
  UPDATE state SET n_changes=n_changes+1, n_observations=n_observations-1;
END;
)sql";

Status check_size(std::string_view what, size_t got, size_t limit) {
  if (got <= limit) return {};
  return Error{ErrorCode::kLimit, "the answer is not kept in the directory: " + std::string(what) + " is " +
                                      std::to_string(got) + ", the limit " + std::to_string(limit)};
}

Status check_documents(const std::vector<Dependency>& dependencies) {
  DM_TRY(check_size("the number of its documents", dependencies.size(), kMaxDependencies));
  size_t total_bytes = 0;
  for (const Dependency& dependency : dependencies) {
    DM_TRY(check_size("the length of a path", dependency.path.size(), kMaxPathBytes));
    DM_TRY(check_size("the length of a hash", dependency.content_hash.size(), kMaxHashBytes));
    total_bytes += dependency.path.size() + dependency.content_hash.size();
  }
  return check_size("the length of all its paths together", total_bytes, kMaxDependencyBytes);
}

// What no sound file can say: counts that are wrong, no counts at all, ids at the end of their range.
Status check_content(const Database& db) {
  DM_ASSIGN(const int64_t n_sound,
            db.query_int("SELECT count(*) FROM state WHERE n_records=(SELECT count(*) FROM answers) AND "
                         "n_observations=(SELECT count(*) FROM observations)"));
  DM_ASSIGN(const int64_t n_states, db.query_int("SELECT count(*) FROM state"));
  DM_ASSIGN(const int64_t n_high,
            db.query_int("SELECT (SELECT count(*) FROM sqlite_sequence WHERE seq >= " +
                         std::string(kHighestId) + " OR typeof(seq) <> 'integer') + "
                         "(SELECT count(*) FROM answers WHERE id >= " + std::string(kHighestId) + ") + "
                         "(SELECT count(*) FROM observations WHERE id >= " + std::string(kHighestId) + ")"));
  if (n_sound == 1 && n_states == 1 && n_high == 0) return {};
  return Error{ErrorCode::kMalformed, "its counts are not those of its content"};
}

}  // namespace

SchemaSpec directory_schema(const std::string& path) {
  SchemaSpec spec{.name = "answer directory",
                  .application_id = kDirectoryApplicationId,
                  .version = kDirectorySchemaVersion,
                  .create = std::string(kCreateDirectory)};
  if (inode_at(path + ".corrupt") != 0) {
    const std::string first = std::to_string(unix_time_ms());
    spec.create += "INSERT INTO sqlite_sequence(name, seq) VALUES('answers', " + first + ");";
  }
  return spec;
}

Result<SchemaFile> open_directory_file(const std::string& path) {
  DM_ASSIGN(SchemaFile file, open_schema_file(path, directory_schema(path), kMaxDirectoryRowBytes));
  if (Status sound = check_content(file.db); !sound.ok()) {
    Error error = std::move(sound).error();
    // The version is right and yet a table or column is missing: as bad as a damaged page.
    if (error.code == ErrorCode::kInternal) error.code = ErrorCode::kMalformed;
    return error;
  }
  return file;
}

Status check_record(const AnswerRecord& record) {
  DM_TRY(check_size("the length of its question", record.question.size(), kMaxQuestionBytes));
  DM_TRY(check_size("the length of its tenant's name", record.tenant.size(), kMaxTenantBytes));
  DM_TRY(check_size("the size of its vector in bytes", record.vector.size(), kMaxVectorBytes));
  DM_TRY(check_documents(record.dependencies));
  if (std::isfinite(record.cost_ms)) return {};
  return Error{ErrorCode::kInvalidArgument, "the answer is not kept in the directory: its cost of " +
                                                std::to_string(record.cost_ms) + " ms is no number"};
}

int64_t checksum_of(const AnswerRecord& record) {
  std::string numbers;
  const auto add = [&](uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) numbers.push_back(static_cast<char>(value >> shift));
  };
  add(record.negative ? 1 : 0);
  add(static_cast<uint64_t>(record.created_unix_ms));
  add(std::bit_cast<uint64_t>(record.cost_ms));
  add(static_cast<uint64_t>(record.cost_tokens));
  add(static_cast<uint64_t>(record.answer_bytes));
  // Each field is hashed with the sum so far as its seed, so that no byte can move to its neighbour.
  uint64_t sum = hash64(numbers, record.dependencies.size());
  const auto text = [](const auto& bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  sum = hash64(text(record.key), sum);
  sum = hash64(text(record.scope), sum);
  for (const std::string* field : {&record.tenant, &record.vector, &record.question}) sum = hash64(*field, sum);
  for (const Dependency& dependency : record.dependencies) {
    sum = hash64(dependency.content_hash, hash64(dependency.path, sum));
  }
  return static_cast<int64_t>(sum);
}

}  // namespace docmind::cache
