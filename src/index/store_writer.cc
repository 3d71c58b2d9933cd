// StoreWriter: the one process that changes a store. Changes are made in batches that commit whole.
// SPDX-License-Identifier: Apache-2.0
#include "index/store_writer.h"

#include "index/record_io.h"
#include "index/schema.h"

namespace docmind::index {
namespace {

std::string describe(const EmbedderRecord& embedder) {
  return "'" + embedder.identity + "' (" + std::to_string(embedder.dimension) + " dimensions, " +
         (embedder.normalised ? "normalised" : "not normalised") + ")";
}

}  // namespace

Status check_embedder(const std::optional<EmbedderRecord>& stored, const EmbedderRecord& wanted) {
  if (!stored || *stored == wanted) return {};
  return Error{ErrorCode::kMismatch,
               "the store's vectors were made by " + describe(*stored) + ", not by " +
                   describe(wanted) + "; use that embedder, or run 'docmind index --reembed' to "
                   "make all vectors again, or name another store with --store"};
}

// Statements are prepared at first use and kept for the whole batch.
struct WriteBatch::Impl {
  explicit Impl(const StoreReader& of) : reader(of), db(&reader.db()) {}

  StoreReader reader;  // shares the writer's connection
  const Database* db;
  std::optional<Transaction> transaction;
  bool content_changed = false;
  Statement find_document, delete_fts, delete_document, insert_document, insert_chunk, insert_fts;
  Statement put_vector;

  Status prepare();
  Status remove(int64_t document_id);
};

Status WriteBatch::Impl::prepare() {
  DM_ASSIGN(find_document, db->prepare("SELECT id FROM documents WHERE path=?1"));
  DM_ASSIGN(delete_fts,
            db->prepare("INSERT INTO chunk_fts(chunk_fts, rowid, title, heading, text) "
                        "SELECT 'delete', c.id, d.search_title, c.heading, c.text FROM chunks c "
                        "JOIN documents d ON d.id=c.document_id WHERE c.document_id=?1"));
  DM_ASSIGN(delete_document, db->prepare("DELETE FROM documents WHERE id=?1"));
  DM_ASSIGN(insert_document,
            db->prepare("INSERT INTO documents(path, content_hash, size_bytes, mtime_ns, ctime_ns, "
                        "inode, checked_unix_ms, format, title, search_title, n_chunks) "
                        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"));
  DM_ASSIGN(insert_chunk,
            db->prepare("INSERT INTO chunks(document_id, begin_byte, end_byte, start_line, "
                        "end_line, page, end_page, heading, text) "
                        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
  DM_ASSIGN(insert_fts, db->prepare("INSERT INTO chunk_fts(rowid, title, heading, text) "
                                    "VALUES(?1, ?2, ?3, ?4)"));
  DM_ASSIGN(put_vector,
            db->prepare("INSERT OR REPLACE INTO vectors(chunk_id, vector) VALUES(?1, ?2)"));
  return {};
}

Status WriteBatch::Impl::remove(int64_t document_id) {
  content_changed = true;
  DM_TRY(delete_fts.bind(1, document_id).run());
  return delete_document.bind(1, document_id).run();  // chunks and vectors follow by cascade
}

WriteBatch::WriteBatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WriteBatch::WriteBatch(WriteBatch&&) noexcept = default;
WriteBatch::~WriteBatch() = default;

Status WriteBatch::put_document(const DocumentRecord& record, std::string_view search_title,
                                std::span<const NewChunk> chunks) {
  Impl& batch = *impl_;
  batch.find_document.bind_blob(1, record.path);
  DM_ASSIGN(const bool exists, batch.find_document.step());
  const int64_t old_id = exists ? batch.find_document.column_int(0) : 0;
  batch.find_document.reset();
  if (exists) DM_TRY(batch.remove(old_id));
  batch.content_changed = true;

  Statement& insert = batch.insert_document;
  insert.bind_blob(1, record.path).bind_blob(2, as_blob(record.content_hash));
  bind_stamp(insert, 3, record.stamp);
  insert.bind(7, record.checked_unix_ms)
      .bind(8, std::string_view(record.format))
      .bind(9, std::string_view(record.title))
      .bind(10, search_title)
      .bind(11, static_cast<int64_t>(chunks.size()));
  DM_TRY(insert.run());
  const int64_t document_id = batch.db->last_insert_id();
  for (const NewChunk& chunk : chunks) {
    const auto integer = [](uint32_t value) { return static_cast<int64_t>(value); };
    DM_TRY(batch.insert_chunk.bind(1, document_id)
               .bind(2, integer(chunk.begin))
               .bind(3, integer(chunk.end))
               .bind(4, integer(chunk.start_line))
               .bind(5, integer(chunk.end_line))
               .bind(6, integer(chunk.page))
               .bind(7, integer(chunk.end_page))
               .bind(8, std::string_view(chunk.heading))
               .bind(9, std::string_view(chunk.text))
               .run());
    DM_TRY(batch.insert_fts.bind(1, batch.db->last_insert_id())
               .bind(2, search_title)
               .bind(3, std::string_view(chunk.heading))
               .bind(4, std::string_view(chunk.text))
               .run());
  }
  return remove_failure(record.path);
}

Status WriteBatch::touch_document(int64_t document_id, const FileStamp& stamp,
                                  int64_t checked_unix_ms) {
  DM_ASSIGN(Statement update,
            impl_->db->prepare("UPDATE documents SET size_bytes=?2, mtime_ns=?3, ctime_ns=?4, "
                               "inode=?5, checked_unix_ms=?6 WHERE id=?1"));
  update.bind(1, document_id);
  bind_stamp(update, 2, stamp);
  return update.bind(6, checked_unix_ms).run();
}

Status WriteBatch::remove_document(int64_t document_id) { return impl_->remove(document_id); }

Status WriteBatch::put_failure(const FailureRecord& failure) {
  DM_ASSIGN(Statement insert,
            impl_->db->prepare("INSERT OR REPLACE INTO failures(path, size_bytes, mtime_ns, "
                               "ctime_ns, inode, checked_unix_ms, code, message) "
                               "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  insert.bind_blob(1, failure.path);
  bind_stamp(insert, 2, failure.stamp);
  return insert.bind(6, failure.checked_unix_ms)
      .bind(7, static_cast<int64_t>(failure.error.code))
      .bind(8, std::string_view(failure.error.message))
      .run();
}

Status WriteBatch::remove_failure(std::string_view path) {
  DM_ASSIGN(Statement remove, impl_->db->prepare("DELETE FROM failures WHERE path=?1"));
  return remove.bind_blob(1, path).run();
}

Status WriteBatch::put_root(const RootRecord& root) {
  DM_ASSIGN(Statement insert,
            impl_->db->prepare("INSERT OR REPLACE INTO roots(path, include, exclude) "
                               "VALUES(?1, ?2, ?3)"));
  const std::string include = join_lines(root.include);
  const std::string exclude = join_lines(root.exclude);
  return insert.bind_blob(1, root.path)
      .bind(2, std::string_view(include))
      .bind(3, std::string_view(exclude))
      .run();
}

Status WriteBatch::put_vector(int64_t chunk_id, std::string_view encoded) {
  impl_->content_changed = true;
  return impl_->put_vector.bind(1, chunk_id).bind_blob(2, encoded).run();
}

Status WriteBatch::set_embedder(const EmbedderRecord& embedder) {
  DM_ASSIGN(const std::optional<EmbedderRecord> stored, impl_->reader.embedder());
  DM_TRY(check_embedder(stored, embedder));
  if (stored) return {};
  DM_ASSIGN(Statement insert,
            impl_->db->prepare("INSERT INTO meta(key, value) VALUES('embedder_identity', ?1), "
                               "('embedder_dimension', ?2), ('embedder_normalised', ?3)"));
  return insert.bind(1, std::string_view(embedder.identity))
      .bind(2, embedder.dimension)
      .bind(3, static_cast<int64_t>(embedder.normalised))
      .run();
}

Status WriteBatch::drop_vectors() {
  impl_->content_changed = true;
  DM_TRY(clear_embedder_state());
  return impl_->db->exec("DELETE FROM vectors; DELETE FROM meta WHERE key IN "
                         "('embedder_identity', 'embedder_dimension', 'embedder_normalised');");
}

Status WriteBatch::put_embedder_state(std::string_view key, std::string_view value) {
  DM_ASSIGN(Statement insert, impl_->db->prepare(
                                  "INSERT OR REPLACE INTO embedder_state(key, value) VALUES(?1, ?2)"));
  return insert.bind_blob(1, key).bind_blob(2, value).run();
}

Status WriteBatch::clear_embedder_state() { return impl_->db->exec("DELETE FROM embedder_state"); }

Status WriteBatch::commit() {
  if (impl_->content_changed) {
    DM_TRY(impl_->db->exec("UPDATE meta SET value=value+1 WHERE key='generation'"));
  }
  return impl_->transaction->commit();
}

Result<StoreWriter> StoreWriter::open(const std::string& folder, const WriterOptions& options) {
  DM_TRY(make_folders(folder));
  DM_ASSIGN(FileLock lock,
            FileLock::acquire(lock_path(folder), options.lock_wait_ms, options.on_wait));
  const std::string path = database_path(folder);
  DM_ASSIGN(Database opened, Database::open(path, Database::Mode::kCreate));
  auto db = std::make_shared<Database>(std::move(opened));
  if (Status migrated = migrate(*db); !migrated.ok()) {
    return std::move(migrated).error().with_context("'" + path + "'");
  }
  // 32 MB of page cache; the log is folded in every 16 MB so that it cannot grow without bound.
  DM_TRY(db->exec("PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY; "
                  "PRAGMA wal_autocheckpoint=4096;"));
  return StoreWriter(std::move(lock), StoreReader(folder, std::move(db)));
}

Result<WriteBatch> StoreWriter::begin() const {
  auto impl = std::make_unique<WriteBatch::Impl>(reader_);
  DM_ASSIGN(Transaction transaction, Transaction::begin(reader_.db()));
  impl->transaction.emplace(std::move(transaction));
  DM_TRY(impl->prepare());
  return WriteBatch(std::move(impl));
}

Status StoreWriter::finish() const {
  return reader_.db().exec("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);");
}

}  // namespace docmind::index
