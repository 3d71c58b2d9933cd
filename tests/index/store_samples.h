// Small stores for tests: documents from a few words, checks of a store's inner consistency.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "index/store_reader.h"
#include "index/store_writer.h"

namespace docmind::test {

// The value of a Result; a failure throws, which fails a test, a property or a child process alike.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}
inline void must(Status status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}
inline void require(bool condition, std::string_view what) {
  if (!condition) throw std::runtime_error(std::string(what));
}

inline index::DocumentRecord sample_document(std::string path, std::string title = "") {
  index::DocumentRecord record;
  record.content_hash = sha256(path);
  record.path = std::move(path);
  record.format = "text";
  record.title = std::move(title);
  return record;
}

// One chunk a text; their byte ranges follow one another without gaps.
inline std::vector<index::NewChunk> sample_chunks(const std::vector<std::string>& texts,
                                                  const std::string& heading = "") {
  std::vector<index::NewChunk> chunks;
  uint32_t begin = 0;
  for (const std::string& text : texts) {
    index::NewChunk chunk;
    chunk.begin = begin;
    chunk.end = begin += static_cast<uint32_t>(text.size());
    chunk.heading = heading;
    chunk.text = text;
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

// Puts one document in a batch of its own.
inline void put(const index::StoreWriter& writer, const std::string& path,
                const std::vector<std::string>& texts, const std::string& title = "") {
  index::WriteBatch batch = must(writer.begin());
  must(batch.put_document(sample_document(path, title), title, sample_chunks(texts)));
  must(batch.commit());
}

// Ids of all chunks, ascending.
inline std::vector<int64_t> chunk_ids(const index::StoreReader& reader) {
  std::vector<int64_t> ids;
  must(reader.visit_chunks(0, [&](int64_t id, std::string_view, std::string_view,
                                  std::string_view) {
    ids.push_back(id);
    return true;
  }));
  return ids;
}

// Throws unless the full-text index agrees with the chunks.
inline void check_full_text(const index::StoreWriter& writer) {
  must(writer.reader().db().exec(
      "INSERT INTO chunk_fts(chunk_fts, rank) VALUES('integrity-check', 1)"));
}

// Throws unless SQLite finds the database sound, the full-text index agrees, and each document has
// exactly its number of chunks, whose byte ranges follow one another.
inline void check_store(const index::StoreWriter& writer) {
  const Database& db = writer.reader().db();
  Statement integrity = must(db.prepare("PRAGMA integrity_check"));
  require(must(integrity.step()) && integrity.column_text(0) == "ok", "integrity_check failed");
  require(!must(must(db.prepare("PRAGMA foreign_key_check")).step()), "a foreign key dangles");
  check_full_text(writer);
  std::map<int64_t, std::pair<int64_t, uint32_t>> seen;  // document: chunks so far, end of the last
  for (const index::StoredChunk& chunk : must(writer.reader().chunks(chunk_ids(writer.reader())))) {
    auto& [n_chunks, end] = seen[chunk.document_id];
    require(chunk.begin == end, "chunk ranges do not follow one another");
    end = chunk.end;
    ++n_chunks;
  }
  for (const index::DocumentRecord& record : must(writer.reader().documents_below(""))) {
    require(seen[record.id].first == record.n_chunks, "a document lacks chunks");
  }
  require(static_cast<int64_t>(seen.size()) == must(writer.reader().counts()).n_documents,
          "chunks without a document");
}

// Runs `body` in a child process; returns "" or what it threw. The child leaves no trace in the
// parent's test result, so `body` throws rather than EXPECTs.
inline std::string run_in_child(const std::function<void()>& body) {
  int pipe_fds[2];
  if (::pipe(pipe_fds) != 0) return "cannot make a pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string message;
    try {
      body();
    } catch (const std::exception& failure) {
      message = std::string("failed: ") + failure.what();
    }
    [[maybe_unused]] const ssize_t n = ::write(pipe_fds[1], message.data(), message.size());
    ::_exit(message.empty() ? 0 : 1);
  }
  ::close(pipe_fds[1]);
  std::string message;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(pipe_fds[0], buffer, sizeof(buffer))) > 0;) {
    message.append(buffer, static_cast<size_t>(n));
  }
  ::close(pipe_fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) message += "killed by signal " + std::to_string(WTERMSIG(status));
  if (message.empty() && WEXITSTATUS(status) != 0) message = "the child failed without a word";
  return message;
}

}  // namespace docmind::test
