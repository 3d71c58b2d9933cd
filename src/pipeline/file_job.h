// One file on its way into the store: read, hash, parse, cut. Stores nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/computation_cache.h"
#include "index/types.h"
#include "ingest/chunker.h"
#include "ingest/reader.h"
#include "ingest/scanner.h"
#include "ingest/worker.h"
#include "monitor/metrics.h"

namespace docmind::pipeline {

// A file that may have changed since it was indexed.
struct FileJob {
  ingest::FoundFile file;
  int64_t checked_unix_ms = 0;  // when `file.stamp` was taken
  std::optional<index::DocumentRecord> known;
};

// What became of it. Exactly one of: the content is unchanged, it was parsed, or it failed.
struct FileOutcome {
  enum class Kind { kUnchanged, kParsed, kFailed };
  Kind kind = Kind::kFailed;
  index::DocumentRecord record;  // kParsed; `id` unset
  std::string search_title;
  std::vector<index::NewChunk> chunks;
  std::vector<std::string> warnings;
  Error error;              // kFailed
  int64_t read_bytes = 0;   // bytes of the file that were read
  size_t memory_bytes = 0;  // what this outcome holds until it is stored
};

struct FileJobOptions {
  ingest::ReadLimits limits;
  ingest::ChunkOptions chunks;
  // Remembers what was read from PDF and DOCX files, so that a copied, moved or restored file is not
  // parsed again; null: nothing does. Borrowed.
  cache::ComputationCache* computed = nullptr;
};

// The title column of the full-text index: the document's title and the words of its file name.
[[nodiscard]] std::string make_search_title(std::string_view title, std::string_view path);

// Runs one job on the calling thread. `worker` belongs to that thread.
[[nodiscard]] FileOutcome run_file_job(const FileJob& job, const FileJobOptions& options,
                                       ingest::ParseWorker& worker, monitor::Metrics& metrics,
                                       const CancelToken& cancel);

}  // namespace docmind::pipeline
