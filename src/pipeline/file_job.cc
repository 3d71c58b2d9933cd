// One file on its way into the store: read, hash, parse, cut.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/file_job.h"

#include <algorithm>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "monitor/trace.h"

namespace docmind::pipeline {
namespace {

FileOutcome failed(Error error, int64_t read_bytes) {
  FileOutcome outcome;
  outcome.kind = FileOutcome::Kind::kFailed;
  outcome.error = std::move(error);
  outcome.read_bytes = read_bytes;
  return outcome;
}

// Raised whenever a reader of PDF or DOCX gives another document for the same bytes.
constexpr std::string_view kParserVersion = "parsed file 1";

// The title of a document may come from its file name, so that is part of what it depends on.
Digest parsed_key(const std::string& path, const Digest& content, ingest::Format format,
                  const ingest::ReadLimits& limits) {
  const size_t slash = path.rfind('/');
  return FieldHasher()
      .add(kParserVersion)
      .add(to_hex(content))
      .add(slash == std::string::npos ? path : path.substr(slash + 1))
      .add(ingest::format_name(format))
      .add(limits.max_text_bytes)
      .add(static_cast<int64_t>(limits.max_pages))
      .finish();
}

// A parser that is not there says nothing about the file, which must not be taken for one that is gone.
Result<ingest::Document> ask_worker(const std::string& path, std::string_view bytes,
                                    ingest::ParseWorker& worker, const CancelToken& cancel) {
  Result<ingest::Document> document = worker.parse(path, bytes, cancel);
  if (document.ok() || document.error().code != ErrorCode::kNotFound) return document;
  return Error{ErrorCode::kIo, "'" + path + "' was not parsed: " + document.error().message};
}

// PDF and DOCX go to the worker process; the other readers are bounded streams in this one, faster
// than any cache.
Result<ingest::Document> parse(const std::string& path, std::string_view bytes,
                               const Digest& content, const FileJobOptions& options,
                               ingest::ParseWorker& worker, const CancelToken& cancel) {
  const std::optional<ingest::Format> format = ingest::detect_format(path, bytes);
  if (format != ingest::Format::kPdf && format != ingest::Format::kDocx) {
    return ingest::read_document(path, bytes, options.limits);
  }
  if (options.computed == nullptr) return ask_worker(path, bytes, worker, cancel);
  const Digest key = parsed_key(path, content, *format, options.limits);
  if (const auto known = options.computed->find(cache::Computation::kParsedFile, key)) {
    Result<ingest::Document> document = ingest::decode_document(*known);
    if (document.ok()) return document;
  }
  const Stopwatch parsing;
  DM_ASSIGN(ingest::Document document, ask_worker(path, bytes, worker, cancel));
  options.computed->keep(cache::Computation::kParsedFile, key, ingest::encode_document(document),
                         parsing.elapsed_ms());
  return document;
}

std::vector<index::NewChunk> cut(const ingest::Document& document,
                                 const ingest::ChunkOptions& options) {
  std::vector<index::NewChunk> chunks;
  for (ingest::Chunk& chunk : ingest::chunk_document(document, options)) {
    chunks.push_back({.begin = chunk.begin,
                      .end = chunk.end,
                      .start_line = chunk.start_line,
                      .end_line = chunk.end_line,
                      .page = chunk.page,
                      .end_page = chunk.end_page,
                      .page_starts = std::move(chunk.page_starts),
                      .heading = std::move(chunk.heading),
                      .text = document.text.substr(chunk.begin, chunk.end - chunk.begin)});
  }
  return chunks;
}

}  // namespace

std::string make_search_title(std::string_view title, std::string_view path) {
  const size_t slash = path.rfind('/');
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  name = name.substr(0, name.rfind('.'));
  std::string words(title);
  // A name without a letter ("0042") says nothing about the content.
  const bool has_letter = std::any_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  });
  if (has_letter) {
    if (!words.empty()) words.push_back(' ');
    for (const char c : to_valid_utf8(name)) {
      words.push_back(c == '_' || c == '-' || c == '.' || c == '\n' ? ' ' : c);
    }
  }
  return words;
}

FileOutcome run_file_job(const FileJob& job, const FileJobOptions& options,
                         ingest::ParseWorker& worker, monitor::Metrics& metrics,
                         const CancelToken& cancel) {
  using monitor::Stage;
  const std::string& path = job.file.path;
  monitor::StageTimer read_timer(metrics, Stage::kRead);
  Result<std::string> bytes = read_file(path, options.limits.max_file_bytes);
  if (!bytes.ok()) return failed(std::move(bytes).error(), 0);
  const auto n_bytes = static_cast<int64_t>(bytes->size());
  const Digest hash = sha256(*bytes);
  read_timer.stop();

  FileOutcome outcome;
  outcome.read_bytes = n_bytes;
  if (job.known && job.known->content_hash == hash) {
    outcome.kind = FileOutcome::Kind::kUnchanged;
    return outcome;
  }
  monitor::StageTimer parse_timer(metrics, Stage::kParse);
  Result<ingest::Document> document = parse(path, *bytes, hash, options, worker, cancel);
  parse_timer.stop();
  if (!document.ok()) return failed(std::move(document).error(), n_bytes);
  bytes->clear();
  bytes->shrink_to_fit();

  monitor::StageTimer chunk_timer(metrics, Stage::kChunk);
  outcome.kind = FileOutcome::Kind::kParsed;
  outcome.chunks = cut(*document, options.chunks);
  chunk_timer.stop();
  outcome.search_title = make_search_title(document->title, path);
  outcome.warnings = std::move(document->warnings);
  outcome.memory_bytes = document->text.size() + outcome.chunks.size() * sizeof(index::NewChunk);
  outcome.record = {.path = path,
                    .content_hash = hash,
                    .stamp = job.file.stamp,
                    .checked_unix_ms = job.checked_unix_ms,
                    .format = std::string(ingest::format_name(document->format)),
                    .title = std::move(document->title),
                    .n_chunks = static_cast<int64_t>(outcome.chunks.size())};
  return outcome;
}

}  // namespace docmind::pipeline
