// One file on its way into the store: read, hash, parse, cut.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/file_job.h"

#include <algorithm>

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

// PDF and DOCX go to the worker process; the other readers are bounded streams in this one.
Result<ingest::Document> parse(const std::string& path, std::string_view bytes,
                               const ingest::ReadLimits& limits, ingest::ParseWorker& worker,
                               const CancelToken& cancel) {
  const std::optional<ingest::Format> format = ingest::detect_format(path, bytes);
  if (format == ingest::Format::kPdf || format == ingest::Format::kDocx) {
    return worker.parse(path, bytes, cancel);
  }
  return ingest::read_document(path, bytes, limits);
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
  Result<ingest::Document> document = parse(path, *bytes, options.limits, worker, cancel);
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
