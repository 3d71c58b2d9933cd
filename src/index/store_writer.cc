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

// Looks before the store is opened for writing, because that alone switches a database to WAL.
Status refuse_foreign(const std::string& path) {
  Result<Database> db = Database::open(path, Database::Mode::kReadOnly);
  if (!db.ok()) {
    // Whatever else is wrong (no file yet), opening for writing cures or names it.
    return db.error().code == ErrorCode::kMalformed ? Status(db.error()) : Status();
  }
  Status ours = check_ours(*db);
  if (!ours.ok()) return std::move(ours).error().with_context("'" + path + "'");
  return {};
}

}  // namespace

Status check_embedder(const std::optional<EmbedderRecord>& stored, const EmbedderRecord& wanted) {
  if (!stored || *stored == wanted) return {};
  return Error{ErrorCode::kMismatch,
               "the store's vectors were made by " + describe(*stored) + ", not by " +
                   describe(wanted) + "; use that embedder, or run 'docmind index --reembed' to "
                   "make all vectors again, or name another store with --store"};
}

// Statements are prepared at the start and kept for the whole batch.
struct WriteBatch::Impl {
  explicit Impl(const StoreReader& of) : reader(of), db(&reader.db()) {}

  StoreReader reader;  // shares the writer's connection
  const Database* db;
  std::optional<Transaction> transaction;
  bool content_changed = false;
  std::optional<Error> failure;  // of the first change that failed
  int64_t dimension = 0;         // of the embedder; 0: not looked up yet
  Statement find_document, delete_fts, delete_document, insert_document, insert_chunk, insert_fts;
  Statement remove_failure, put_vector;

  Status prepare();
  Status remove(int64_t document_id);
  Status put(const DocumentRecord& record, std::string_view search_title,
             std::span<const NewChunk> chunks);
  Status put_chunk(int64_t document_id, std::string_view search_title, const NewChunk& chunk);

  // Runs one change. A failed one may be half done, and SQLite may have rolled the transaction back,
  // so that a further write would be committed alone: nothing may follow it.
  template <typename Change>
  Status change(Change&& body) {
    if (failure) return *failure;
    Status done = body();
    if (!done.ok()) failure = done.error();
    return done;
  }
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
                        "end_line, page, end_page, heading, text, page_starts) "
                        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"));
  DM_ASSIGN(insert_fts, db->prepare("INSERT INTO chunk_fts(rowid, title, heading, text) "
                                    "VALUES(?1, ?2, ?3, ?4)"));
  DM_ASSIGN(remove_failure, db->prepare("DELETE FROM failures WHERE path=?1"));
  DM_ASSIGN(put_vector,
            db->prepare("INSERT OR REPLACE INTO vectors(chunk_id, vector) VALUES(?1, ?2)"));
  return {};
}

Status WriteBatch::Impl::remove(int64_t document_id) {
  DM_TRY(delete_fts.bind(1, document_id).run());
  DM_TRY(delete_document.bind(1, document_id).run());  // chunks and vectors follow by cascade
  content_changed |= db->n_changed() > 0;
  return {};
}

WriteBatch::WriteBatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WriteBatch::WriteBatch(WriteBatch&&) noexcept = default;
WriteBatch::~WriteBatch() = default;

Status WriteBatch::Impl::put(const DocumentRecord& record, std::string_view search_title,
                             std::span<const NewChunk> chunks) {
  find_document.bind_blob(1, record.path);
  DM_ASSIGN(const bool exists, find_document.step());
  const int64_t old_id = exists ? find_document.column_int(0) : 0;
  find_document.reset();
  if (exists) DM_TRY(remove(old_id));
  content_changed = true;

  Statement& insert = insert_document;
  insert.bind_blob(1, record.path).bind_blob(2, as_blob(record.content_hash));
  bind_stamp(insert, 3, record.stamp);
  insert.bind(7, record.checked_unix_ms)
      .bind(8, std::string_view(record.format))
      .bind(9, std::string_view(record.title))
      .bind(10, search_title)
      .bind(11, static_cast<int64_t>(chunks.size()));
  DM_TRY(insert.run());
  const int64_t document_id = db->last_insert_id();
  for (const NewChunk& chunk : chunks) DM_TRY(put_chunk(document_id, search_title, chunk));
  return remove_failure.bind_blob(1, record.path).run();
}

Status WriteBatch::Impl::put_chunk(int64_t document_id, std::string_view search_title,
                                   const NewChunk& chunk) {
  const auto integer = [](uint32_t value) { return static_cast<int64_t>(value); };
  const std::string page_starts = encode_page_starts(chunk.page_starts);
  DM_TRY(insert_chunk.bind(1, document_id)
             .bind(2, integer(chunk.begin))
             .bind(3, integer(chunk.end))
             .bind(4, integer(chunk.start_line))
             .bind(5, integer(chunk.end_line))
             .bind(6, integer(chunk.page))
             .bind(7, integer(chunk.end_page))
             .bind(8, std::string_view(chunk.heading))
             .bind(9, std::string_view(chunk.text))
             .bind_blob(10, page_starts)
             .run());
  return insert_fts.bind(1, db->last_insert_id())
      .bind(2, search_title)
      .bind(3, std::string_view(chunk.heading))
      .bind(4, std::string_view(chunk.text))
      .run();
}

Status WriteBatch::put_document(const DocumentRecord& record, std::string_view search_title,
                                std::span<const NewChunk> chunks) {
  return impl_->change([&] { return impl_->put(record, search_title, chunks); });
}

Status WriteBatch::touch_document(int64_t document_id, const FileStamp& stamp,
                                  int64_t checked_unix_ms) {
  return impl_->change([&]() -> Status {
    DM_ASSIGN(Statement update,
              impl_->db->prepare("UPDATE documents SET size_bytes=?2, mtime_ns=?3, ctime_ns=?4, "
                                 "inode=?5, checked_unix_ms=?6 WHERE id=?1"));
    update.bind(1, document_id);
    bind_stamp(update, 2, stamp);
    return update.bind(6, checked_unix_ms).run();
  });
}

Status WriteBatch::remove_document(int64_t document_id) {
  return impl_->change([&] { return impl_->remove(document_id); });
}

Status WriteBatch::put_failure(const FailureRecord& failure) {
  return impl_->change([&]() -> Status {
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
  });
}

Status WriteBatch::remove_failure(std::string_view path) {
  return impl_->change([&] { return impl_->remove_failure.bind_blob(1, path).run(); });
}

Status WriteBatch::put_root(const RootRecord& root) {
  for (const auto* globs : {&root.include, &root.exclude}) {
    for (const std::string& glob : *globs) {
      if (glob.find('\n') == std::string::npos) continue;
      return Error{ErrorCode::kInvalidArgument, "the glob '" + glob + "' holds a line break"};
    }
  }
  return impl_->change([&]() -> Status {
    DM_ASSIGN(Statement insert,
              impl_->db->prepare("INSERT OR REPLACE INTO roots(path, include, exclude) "
                                 "VALUES(?1, ?2, ?3)"));
    const std::string include = join_lines(root.include);
    const std::string exclude = join_lines(root.exclude);
    return insert.bind_blob(1, root.path)
        .bind(2, std::string_view(include))
        .bind(3, std::string_view(exclude))
        .run();
  });
}

Status WriteBatch::remove_roots_below(std::string_view path) {
  DM_ASSIGN(Statement remove,
            impl_->db->prepare(std::string("DELETE FROM roots WHERE ") + kBelowRoot));
  const BelowRoot below(path);
  below.bind(remove);
  return remove.run();
}

Status WriteBatch::put_vector(int64_t chunk_id, std::string_view encoded) {
  Impl& batch = *impl_;
  if (batch.dimension == 0) {
    DM_ASSIGN(const std::optional<EmbedderRecord> stored, batch.reader.embedder());
    if (!stored) {
      return Error{ErrorCode::kInvalidArgument,
                   "a vector was given before the embedder that made it was named"};
    }
    batch.dimension = stored->dimension;
  }
  const size_t expected = sizeof(float) + static_cast<size_t>(batch.dimension);
  if (encoded.size() != expected) {
    return Error{ErrorCode::kInvalidArgument, "the vector of chunk " + std::to_string(chunk_id) +
                                                  " has " + std::to_string(encoded.size()) +
                                                  " bytes, the embedder's have " +
                                                  std::to_string(expected)};
  }
  return batch.change([&] {
    batch.content_changed = true;
    return batch.put_vector.bind(1, chunk_id).bind_blob(2, encoded).run();
  });
}

Status WriteBatch::set_embedder(const EmbedderRecord& embedder) {
  DM_ASSIGN(const std::optional<EmbedderRecord> stored, impl_->reader.embedder());
  DM_TRY(check_embedder(stored, embedder));
  if (stored) return {};
  if (embedder.dimension < 1 || embedder.dimension > kMaxDimension) {
    return Error{ErrorCode::kInvalidArgument,
                 "the embedder '" + embedder.identity + "' makes vectors of " +
                     std::to_string(embedder.dimension) + " dimensions, allowed are 1 to " +
                     std::to_string(kMaxDimension)};
  }
  return impl_->change([&]() -> Status {
    DM_ASSIGN(Statement insert,
              impl_->db->prepare(
                  "INSERT INTO meta(key, value) VALUES('embedder_identity', ?1), "
                  "('embedder_dimension', ?2), ('embedder_normalised', ?3)"));
    return insert.bind(1, std::string_view(embedder.identity))
        .bind(2, embedder.dimension)
        .bind(3, static_cast<int64_t>(embedder.normalised))
        .run();
  });
}

Status WriteBatch::drop_vectors() {
  return impl_->change([&]() -> Status {
    impl_->dimension = 0;
    DM_ASSIGN(const int64_t n_vectors, impl_->db->query_int("SELECT count(*) FROM vectors"));
    impl_->content_changed |= n_vectors > 0;
    return impl_->db->exec(
        "DELETE FROM embedder_state; DELETE FROM vectors; DELETE FROM meta WHERE key IN "
        "('embedder_identity', 'embedder_dimension', 'embedder_normalised');");
  });
}

Status WriteBatch::put_embedder_state(std::string_view key, std::string_view value) {
  return impl_->change([&]() -> Status {
    DM_ASSIGN(Statement insert,
              impl_->db->prepare(
                  "INSERT OR REPLACE INTO embedder_state(key, value) VALUES(?1, ?2)"));
    return insert.bind_blob(1, key).bind_blob(2, value).run();
  });
}

Status WriteBatch::clear_embedder_state() {
  return impl_->change([&] { return impl_->db->exec("DELETE FROM embedder_state"); });
}

Status WriteBatch::commit() {
  return impl_->change([&]() -> Status {
    if (impl_->content_changed) {
      DM_TRY(impl_->db->exec("UPDATE meta SET value=value+1 WHERE key='generation'"));
    }
    DM_TRY(impl_->transaction->commit());
    impl_->failure = Error{ErrorCode::kInvalidArgument, "this batch is committed; begin another"};
    return {};
  });
}

Result<StoreWriter> StoreWriter::open(const std::string& folder, const WriterOptions& options) {
  DM_TRY(make_folders(folder));
  DM_ASSIGN(FileLock lock,
            FileLock::acquire(lock_path(folder), {.wait_ms = options.lock_wait_ms,
                                                  .on_wait = options.on_wait,
                                                  .cancel = options.cancel}));
  const std::string path = database_path(folder);
  DM_TRY(refuse_foreign(path));
  DM_TRY(create_private_file(path));
  DM_ASSIGN(Database opened, Database::open(path, Database::Mode::kReadWrite));
  auto db = std::make_shared<Database>(std::move(opened));
  if (Status migrated = migrate(*db); !migrated.ok()) {
    return std::move(migrated).error().with_context("'" + path + "'");
  }
  // Full: a commit that a power cut takes back would let its generation be used twice, and cached
  // answers are bound to generations.
  // 32 MB of page cache; the log is folded in every 16 MB so that it cannot grow without bound.
  DM_TRY(db->exec("PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY; "
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
