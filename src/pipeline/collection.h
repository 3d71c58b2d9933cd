// Collection: one set of documents that is being served: asked, added to, indexed in the background.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "cache/answer_cache.h"
#include "cache/computation_cache.h"
#include "pipeline/answer.h"
#include "pipeline/ask_options.h"
#include "pipeline/indexer.h"

namespace docmind::pipeline {

struct DocumentInfo {
  std::string id;       // stable, of [0-9a-f]; from the path
  std::string name;     // for people: the file's name
  std::string path;
  int64_t size_bytes = 0;
  int64_t n_chunks = 0;
  int64_t modified_ms = 0;  // unix
  bool uploaded = false;    // through the API, so it can be deleted through it
  std::string status;       // "pending", "indexing", "indexed", "failed"
  std::string error;        // why it failed
};

// What background indexing does; a copy, taken at one moment.
struct IndexJob {
  int64_t id = 0;          // of the last run; 0: none yet
  int64_t n_ended = 0;     // runs that ended since the start, well or not
  bool running = false;
  bool queued = false;     // another run follows
  std::string phase = {};       // "scan", "read", "train", "embed", "finish"
  int64_t n_done = 0, n_total = 0;
  int64_t done_bytes = 0, total_bytes = 0;
  std::string path = {};        // the file just finished
  std::optional<IndexReport> report = {};  // of the last finished run
  std::string error = {};       // of it
};

// All members from any thread.
class Collection {
 public:
  virtual ~Collection() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual const std::string& folder() const = 0;

  // --- questions; each borrows one of the collection's askers and gives it back ---
  // Waits for the answer: for worker threads.
  [[nodiscard]] virtual Result<Answer> ask(std::string_view question, const AskOptions& options,
                                           const providers::TextSink& sink, const CancelToken& cancel) = 0;
  // An exact repeat from memory without waiting for anything, for I/O threads; nullopt: ask() must be called.
  [[nodiscard]] virtual std::optional<Answer> ask_memory(std::string_view question, const AskOptions& options) = 0;
  [[nodiscard]] virtual Result<Retrieval> search(std::string_view question, const RetrieveOptions& options,
                                                 const CancelToken& cancel) = 0;
  // Vectors and scores of the built-in models, for clients when no model is loaded. kNotFound while nothing is indexed.
  [[nodiscard]] virtual Result<std::vector<std::vector<float>>> embed(std::span<const std::string_view> texts,
                                                                      const CancelToken& cancel) = 0;
  [[nodiscard]] virtual Result<std::vector<double>> rerank(std::string_view question,
                                                           std::span<const std::string_view> documents,
                                                           const CancelToken& cancel) = 0;

  // --- documents ---
  struct Counts {
    int64_t n_documents = 0;
    int64_t n_chunks = 0;
  };
  [[nodiscard]] virtual Result<Counts> counts() = 0;
  [[nodiscard]] virtual Result<std::vector<DocumentInfo>> documents() = 0;
  // Lines [first, last] from 1 of a document's extracted text as the index has it, for opening a citation.
  struct SourceText {
    DocumentInfo document;
    std::vector<Passage> passages;  // in the order of the document
  };
  [[nodiscard]] virtual Result<SourceText> source(std::string_view id) = 0;
  // Takes over the file at `spooled_path` under a name made from `name`; indexing starts by itself. The same bytes
  // under the same name are the same document. kUnsupported when no reader knows the extension.
  [[nodiscard]] virtual Result<DocumentInfo> add(std::string_view name, const std::string& spooled_path) = 0;
  // Only uploaded ones (kPermission else); cached answers that stand on it are dead at once.
  [[nodiscard]] virtual Status remove(std::string_view id) = 0;
  // Brings everything under the known roots up to date; returns the id of the run.
  virtual int64_t reindex() = 0;
  [[nodiscard]] virtual IndexJob job() const = 0;
  // Waits until job() differs from `seen` (by a counter within) or the time is over; returns the counter.
  virtual uint64_t wait_change(uint64_t seen, int64_t timeout_ms) const = 0;

  // --- caches ---
  [[nodiscard]] virtual cache::AnswerCache* answers() = 0;        // null: off
  [[nodiscard]] virtual cache::ComputationCache* computed() = 0;  // null: off
};

using CollectionPtr = std::shared_ptr<Collection>;

}  // namespace docmind::pipeline
