// IndexPlan: compares the files under a root with the store and says what to do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "index/store_reader.h"
#include "ingest/scanner.h"
#include "pipeline/file_job.h"

namespace docmind::pipeline {

struct IndexPlan {
  std::vector<FileJob> jobs;                     // must be read
  std::vector<index::DocumentRecord> removals;   // indexed before, gone or unwanted now
  std::vector<std::string> forgotten_failures;   // files that failed before and are gone now
  std::vector<ingest::SkippedFile> skipped;      // cannot be read, or failed before and unchanged
  int64_t n_found = 0;
  int64_t n_unchanged = 0;
  int64_t n_ignored = 0;
  int64_t job_bytes = 0;
};

// Whether a stamp taken at `checked_unix_ms` proves that the file is still the one it stood for: a
// file written in the same tick as the check could change again without a new stamp.
[[nodiscard]] bool stamp_is_trustworthy(const FileStamp& stamp, int64_t checked_unix_ms);

// `rehash` plans every file as a job.
Result<IndexPlan> plan_root(const std::string& root, const ingest::ScanOptions& options,
                            bool rehash, const index::StoreReader& store,
                            const CancelToken& cancel);

}  // namespace docmind::pipeline
