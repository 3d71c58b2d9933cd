// StoreReader: everything that can be asked of a store.
// SPDX-License-Identifier: Apache-2.0
#include "index/store_reader.h"

#include <sys/stat.h>

#include "index/record_io.h"
#include "index/schema.h"

namespace docmind::index {
namespace {

int64_t file_size(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? static_cast<int64_t>(st.st_size) : 0;
}

Result<std::optional<std::string>> meta_text(const Database& db, std::string_view key) {
  DM_ASSIGN(Statement statement, db.prepare("SELECT value FROM meta WHERE key=?1"));
  statement.bind(1, key);
  DM_ASSIGN(const bool row, statement.step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(std::string(statement.column_text(0)));
}

}  // namespace

std::string database_path(const std::string& folder) { return folder + "/docmind.db"; }
std::string lock_path(const std::string& folder) { return folder + "/writer.lock"; }
std::string cache_path(const std::string& folder) { return folder + "/cache.db"; }
std::string questions_path(const std::string& folder) { return folder + "/questions.db"; }
std::string computed_path(const std::string& folder) { return folder + "/computed.db"; }
std::string graph_path(const std::string& folder) { return folder + "/vectors.hnsw"; }

Result<StoreReader> StoreReader::open(const std::string& folder) {
  const std::string path = database_path(folder);
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    return Error{ErrorCode::kNotFound,
                 "there is no index in '" + folder + "' yet; run: docmind index PATH"};
  }
  DM_ASSIGN(Database db, Database::open(path, Database::Mode::kReadOnly));
  if (Status schema = check_schema(db); !schema.ok()) {
    return std::move(schema).error().with_context("'" + path + "'");
  }
  DM_TRY(db.exec("PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"));
  return StoreReader(folder, std::make_shared<Database>(std::move(db)));
}

Status StoreReader::begin_snapshot() const {
  DM_TRY(db_->exec("BEGIN"));
  // SQLite fixes the state at the first read, so read something now.
  Result<int64_t> first_read = generation();
  if (first_read.ok()) return {};
  [[maybe_unused]] Status ended = db_->exec("ROLLBACK");
  return std::move(first_read).error();
}

Status StoreReader::end_snapshot() const { return db_->exec("COMMIT"); }

Result<std::string> StoreReader::store_id() const {
  DM_ASSIGN(std::optional<std::string> id, meta_text(*db_, "store_id"));
  if (!id) return Error{ErrorCode::kMalformed, "the store in '" + folder_ + "' has no identity"};
  return *std::move(id);
}

Result<int64_t> StoreReader::generation() const {
  return db_->query_int("SELECT value FROM meta WHERE key='generation'");
}

Result<StoreCounts> StoreReader::counts() const {
  StoreCounts counts;
  DM_ASSIGN(counts.n_documents, db_->query_int("SELECT count(*) FROM documents"));
  DM_ASSIGN(counts.n_chunks, db_->query_int("SELECT count(*) FROM chunks"));
  DM_ASSIGN(counts.n_vectors, db_->query_int("SELECT count(*) FROM vectors"));
  DM_ASSIGN(counts.text_bytes,
            db_->query_int("SELECT coalesce(sum(end_byte - begin_byte), 0) FROM chunks"));
  const std::string path = database_path(folder_);
  counts.file_bytes = file_size(path) + file_size(path + "-wal") + file_size(graph_path(folder_));
  return counts;
}

Result<std::vector<RootRecord>> StoreReader::roots() const {
  DM_ASSIGN(Statement statement,
            db_->prepare("SELECT path, include, exclude FROM roots ORDER BY path"));
  std::vector<RootRecord> roots;
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return roots;
    roots.push_back({std::string(statement.column_blob(0)), split_lines(statement.column_text(1)),
                     split_lines(statement.column_text(2))});
  }
}

Result<std::optional<DocumentRecord>> StoreReader::document(std::string_view path) const {
  DM_ASSIGN(Statement statement, db_->prepare(std::string("SELECT ") + kDocumentColumns +
                                              " FROM documents WHERE path=?1"));
  statement.bind_blob(1, path);
  DM_ASSIGN(const bool row, statement.step());
  if (!row) return std::optional<DocumentRecord>();
  DM_ASSIGN(DocumentRecord record, read_document_row(statement));
  return std::optional<DocumentRecord>(std::move(record));
}

Result<std::vector<DocumentRecord>> StoreReader::documents_below(std::string_view root) const {
  DM_ASSIGN(Statement statement,
            db_->prepare(std::string("SELECT ") + kDocumentColumns + " FROM documents WHERE " +
                         kBelowRoot + " ORDER BY path"));
  const BelowRoot below(root);
  below.bind(statement);
  std::vector<DocumentRecord> records;
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return records;
    DM_ASSIGN(DocumentRecord record, read_document_row(statement));
    records.push_back(std::move(record));
  }
}

Result<std::vector<FailureRecord>> StoreReader::failures_below(std::string_view root) const {
  DM_ASSIGN(Statement statement,
            db_->prepare(std::string("SELECT path, size_bytes, mtime_ns, ctime_ns, inode, "
                                     "checked_unix_ms, code, message FROM failures WHERE ") +
                         kBelowRoot + " ORDER BY path"));
  const BelowRoot below(root);
  below.bind(statement);
  std::vector<FailureRecord> records;
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return records;
    FailureRecord record;
    record.path = statement.column_blob(0);
    record.stamp = read_stamp(statement, 1);
    record.checked_unix_ms = statement.column_int(5);
    record.error = Error{static_cast<ErrorCode>(statement.column_int(6)),
                         std::string(statement.column_text(7))};
    records.push_back(std::move(record));
  }
}

Result<std::vector<StoredChunk>> StoreReader::chunks(std::span<const int64_t> ids) const {
  DM_ASSIGN(Statement statement,
            db_->prepare("SELECT c.id, c.document_id, d.path, d.title, d.format, c.begin_byte, "
                         "c.end_byte, c.start_line, c.end_line, c.page, c.end_page, c.heading, "
                         "c.text, c.page_starts FROM chunks c JOIN documents d ON d.id=c.document_id "
                         "WHERE c.id=?1"));
  std::vector<StoredChunk> chunks;
  chunks.reserve(ids.size());
  for (const int64_t id : ids) {
    statement.bind(1, id);
    DM_ASSIGN(const bool row, statement.step());
    if (row) chunks.push_back(read_chunk_row(statement));
    statement.reset();
  }
  return chunks;
}

Result<std::vector<int64_t>> StoreReader::chunks_without_vector(int64_t limit) const {
  DM_ASSIGN(Statement statement,
            db_->prepare("SELECT id FROM chunks WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE "
                         "chunk_id=chunks.id) ORDER BY id LIMIT ?1"));
  statement.bind(1, limit);
  std::vector<int64_t> ids;
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return ids;
    ids.push_back(statement.column_int(0));
  }
}

Status StoreReader::visit_chunks(
    int64_t after_id, const std::function<bool(int64_t, std::string_view, std::string_view,
                                               std::string_view)>& visit) const {
  DM_ASSIGN(Statement statement, db_->prepare("SELECT id, title, heading, text FROM chunk_content "
                                              "WHERE id>?1 ORDER BY id"));
  statement.bind(1, after_id);
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return {};
    if (!visit(statement.column_int(0), statement.column_text(1), statement.column_text(2),
               statement.column_text(3))) {
      return {};
    }
  }
}

Result<std::optional<EmbedderRecord>> StoreReader::embedder() const {
  DM_ASSIGN(std::optional<std::string> identity, meta_text(*db_, "embedder_identity"));
  if (!identity) return std::optional<EmbedderRecord>();
  EmbedderRecord record;
  record.identity = *std::move(identity);
  DM_ASSIGN(record.dimension,
            db_->query_int("SELECT value FROM meta WHERE key='embedder_dimension'"));
  DM_ASSIGN(const int64_t normalised,
            db_->query_int("SELECT value FROM meta WHERE key='embedder_normalised'"));
  record.normalised = normalised != 0;
  if (record.dimension < 1 || record.dimension > kMaxDimension) {
    return Error{ErrorCode::kMalformed,
                 "the store says that its vectors have " + std::to_string(record.dimension) +
                     " dimensions, allowed are 1 to " + std::to_string(kMaxDimension)};
  }
  return std::optional<EmbedderRecord>(std::move(record));
}

Result<std::optional<std::string>> StoreReader::embedder_state(std::string_view key) const {
  DM_ASSIGN(Statement statement, db_->prepare("SELECT value FROM embedder_state WHERE key=?1"));
  statement.bind_blob(1, key);
  DM_ASSIGN(const bool row, statement.step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(std::string(statement.column_blob(0)));
}

Result<VectorMatrix> StoreReader::load_vectors() const {
  DM_ASSIGN(const std::optional<EmbedderRecord> record, embedder());
  if (!record) return VectorMatrix();
  DM_ASSIGN(const int64_t n_rows, db_->query_int("SELECT count(*) FROM vectors"));
  VectorMatrix matrix(static_cast<size_t>(record->dimension));
  DM_ASSIGN(Statement statement,
            db_->prepare("SELECT chunk_id, vector FROM vectors ORDER BY chunk_id"));
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return matrix;
    DM_TRY(matrix.append(statement.column_int(0), statement.column_blob(1)));
    // Only now is the dimension known to be true: a wrong one must not ask for memory.
    if (matrix.n_rows() == 1) matrix.reserve(static_cast<size_t>(n_rows));
  }
}

Result<VectorMatrix> StoreReader::load_vectors(std::span<const int64_t> ids) const {
  DM_ASSIGN(const std::optional<EmbedderRecord> record, embedder());
  if (!record) return VectorMatrix();
  VectorMatrix matrix(static_cast<size_t>(record->dimension));
  DM_ASSIGN(Statement statement, db_->prepare("SELECT vector FROM vectors WHERE chunk_id=?1"));
  for (const int64_t id : ids) {
    statement.bind(1, id);
    DM_ASSIGN(const bool row, statement.step());
    if (row) DM_TRY(matrix.append(id, statement.column_blob(0)));
    statement.reset();
  }
  return matrix;
}

}  // namespace docmind::index
