// Downloads one large file: resumes, checks, and puts it into place whole or not at all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::providers {

struct DownloadProgress {
  enum class Phase { kCheckPart, kFetch };  // reading what an earlier run left; receiving
  Phase phase = Phase::kFetch;
  int64_t n_done_bytes = 0;
  int64_t n_total_bytes = 0;  // 0: unknown
};

struct DownloadRequest {
  std::string url;
  std::string path;                  // of the finished file; PATH.part and PATH.part.json beside it
  std::optional<int64_t> n_bytes{};  // expected
  std::string sha256{};              // expected, lower-case hexadecimal; empty: unknown
  // Looks at the complete file before it is put into place; its error refuses the file.
  std::function<Status(const std::string& part_path)> check{};
  std::function<void(const DownloadProgress&)> progress{};
  CancelToken cancel{};
  int n_retries = 4;  // in a row without a byte of progress, after failures that may pass
  int64_t retry_delay_ms = 1'000;  // doubles with each retry
  int64_t stall_timeout_s = 60;
};

struct DownloadResult {
  // Who vouched for the content: the request's sha256, a sha256 in the server's headers, or nobody.
  enum class Checked { kCatalogue, kServer, kNobody };
  int64_t n_bytes = 0;
  int64_t n_resumed_bytes = 0;  // were there from an earlier run
  std::string sha256;           // of the file, recorded in PATH.sha256
  Checked checked = Checked::kNobody;
};

// kNotFound, kPermission (401, 403), kIo (network, disk), kLimit (too little space, before it is
// used), kMismatch (size or hash; the part is removed), kBusy (another process downloads it),
// kCancelled. What was received stays in PATH.part for the next try.
Result<DownloadResult> download_file(const DownloadRequest& request);

}  // namespace docmind::providers
