// ParseWorker: PDF and DOCX are parsed in a child process with limits, so that a hostile file can
// neither crash nor exhaust the indexer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "ingest/document.h"
#include "ingest/reader.h"

namespace docmind::ingest {

// Runs `worker_main` in a child: request on its standard input, Document back on its standard
// output, both length-prefixed and checked. One child serves many files and is replaced after a
// crash, a time-out or a protocol error. Not thread-safe: one per indexing thread.
class ParseWorker {
 public:
  // `executable` is started as `executable parse-worker`. Empty: parse in this process instead
  // (library users without the binary; the limits on size and depth still hold, not the time-out).
  ParseWorker(std::string executable, ReadLimits limits);
  ~ParseWorker();
  ParseWorker(const ParseWorker&) = delete;
  ParseWorker& operator=(const ParseWorker&) = delete;

  // Parses `bytes` (the content of the file at `path`; the child does not open the path). A child
  // that dies gives kMalformed with the signal's name, one that runs too long kLimit; `cancel` is
  // polled while waiting (kCancelled, the child is killed).
  Result<Document> parse(const std::string& path, std::string_view bytes, const CancelToken& cancel);

 private:
  struct Child;
  std::string executable_;
  ReadLimits limits_;
  std::unique_ptr<Child> child_;
};

// The child's side: serves requests from `in_fd` until it closes. Returns the exit code.
int worker_main(int in_fd, int out_fd);

// The wire form of a Document, exposed for its property and fuzz tests.
std::string encode_document(const Document& document);
Result<Document> decode_document(std::string_view bytes);

}  // namespace docmind::ingest
