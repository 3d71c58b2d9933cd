// CollectionImpl's documents: what is in the store, what waits to be, what was uploaded.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/collection_impl.h"
#include "pipeline/document_id.h"

namespace docmind::pipeline {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

DocumentInfo describe(const std::string& path, const FileStamp& stamp, bool uploaded, std::string_view status) {
  return {.id = document_id(path),
          .name = document_name(path),
          .path = path,
          .size_bytes = stamp.size_bytes,
          .modified_ms = stamp.mtime_ns / kNsPerMs,
          .uploaded = uploaded,
          .status = std::string(status),
          .error = {}};
}

// In the order of the document.
Result<std::vector<Passage>> passages_of(const index::StoreReader& store, int64_t document_id_in_store) {
  DM_ASSIGN(Statement select, store.db().prepare("SELECT id FROM chunks WHERE document_id=?1 ORDER BY begin_byte"));
  select.bind(1, document_id_in_store);
  std::vector<int64_t> ids;
  while (true) {
    DM_ASSIGN(const bool row, select.step());
    if (!row) break;
    ids.push_back(select.column_int(0));
  }
  DM_ASSIGN(std::vector<index::StoredChunk> chunks, store.chunks(ids));
  std::vector<Passage> passages;
  for (index::StoredChunk& chunk : chunks) {
    passages.push_back({.chunk_id = chunk.id,
                        .path = std::move(chunk.path),
                        .title = std::move(chunk.title),
                        .heading = std::move(chunk.heading),
                        .text = std::move(chunk.text),
                        .start_line = chunk.start_line,
                        .end_line = chunk.end_line,
                        .page = chunk.page,
                        .end_page = chunk.end_page,
                        .page_starts = std::move(chunk.page_starts)});
  }
  return passages;
}

}  // namespace

Result<Collection::Counts> CollectionImpl::counts() {
  DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(folder_));
  DM_ASSIGN(const index::StoreCounts counts, store.counts());
  return Counts{.n_documents = counts.n_documents, .n_chunks = counts.n_chunks};
}

Result<std::vector<DocumentInfo>> CollectionImpl::documents() {
  const IndexJob now = job();
  DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(folder_));
  DM_ASSIGN(const std::vector<index::DocumentRecord> records, store.documents_below(""));
  DM_ASSIGN(const std::vector<index::FailureRecord> failures, store.failures_below(""));
  const DocumentFolder& uploads = index_->uploads();
  std::vector<DocumentInfo> all;
  std::set<std::string> known;
  for (const index::DocumentRecord& record : records) {
    DocumentInfo info = describe(record.path, record.stamp, uploads.contains(record.path), "indexed");
    info.n_chunks = record.n_chunks;
    all.push_back(std::move(info));
    known.insert(record.path);
  }
  for (const index::FailureRecord& failure : failures) {
    DocumentInfo info = describe(failure.path, failure.stamp, uploads.contains(failure.path), "failed");
    info.error = failure.error.message;
    all.push_back(std::move(info));
    known.insert(failure.path);
  }
  for (const std::string& path : uploads.files()) {
    if (known.contains(path)) continue;
    const Result<FileStamp> stamp = stat_regular_file(path);
    if (stamp.ok()) all.push_back(describe(path, *stamp, true, now.running ? "indexing" : "pending"));
  }
  std::sort(all.begin(), all.end(), [](const DocumentInfo& a, const DocumentInfo& b) {
    return std::tie(a.name, a.path) < std::tie(b.name, b.path);
  });
  return all;
}

Result<DocumentInfo> CollectionImpl::find_document(std::string_view id) {
  DM_ASSIGN(std::vector<DocumentInfo> all, documents());
  for (DocumentInfo& info : all) {
    if (info.id == id) return std::move(info);
  }
  return Error{ErrorCode::kNotFound, fmt::format("the collection '{}' has no document '{}'", name_,
                                                 ellipsize(printable(id), 64))};
}

Result<Collection::SourceText> CollectionImpl::source(std::string_view id) {
  DM_ASSIGN(DocumentInfo info, find_document(id));
  SourceText source{.document = std::move(info), .passages = {}};
  DM_ASSIGN(const index::StoreReader store, index::StoreReader::open(folder_));
  DM_ASSIGN(const std::optional<index::DocumentRecord> record, store.document(source.document.path));
  if (!record) return source;
  DM_ASSIGN(source.passages, passages_of(store, record->id));
  return source;
}

Result<DocumentInfo> CollectionImpl::add(std::string_view name, const std::string& spooled_path) {
  DM_ASSIGN(const DocumentFolder::Stored stored,
            index_->uploads().add(name, spooled_path, context_.options->index.job.limits.max_file_bytes));
  index_->start(CollectionIndex::What::kUploads);
  return find_document(document_id(stored.path));
}

// The file goes first: should the process die now, the next run finds that it is gone.
Status CollectionImpl::remove(std::string_view id) {
  DM_ASSIGN(const DocumentInfo info, find_document(id));
  DM_TRY(index_->uploads().remove(info.path));
  Status removed = index_->remove(info.path);
  drop_answers_of({info.path});
  if (!removed.ok()) {
    context_.logger->warn("'{}' is deleted, the index follows later: {}", info.path, removed.error().message);
  }
  return {};
}

}  // namespace docmind::pipeline
