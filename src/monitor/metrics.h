// Metrics: one histogram for each stage of the work and one counter for each countable event.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "monitor/histogram.h"

namespace docmind::monitor {

// A step of indexing or of answering whose time is measured. Order is free to change, names are not.
enum class Stage {
  // indexing
  kScan,
  kRead,
  kParse,
  kChunk,
  kEmbed,
  kStore,
  kTrain,
  // answering
  kEmbedQuestion,
  kRetrieveLexical,
  kRetrieveVector,
  kFuse,
  kRerank,
  kCacheLookup,
  kCacheStore,
  kGenerate,
  kCite,
  // whole requests
  kTotalAsk,
  kTotalSearch,
  kTotalIndex,
  // serving
  kQueue,          // from a request's arrival until somebody works on it
  kFirstToken,     // from a request's arrival until its first token (TTFT)
  kBetweenTokens,  // from one token of a text to its next
  kPrefill,        // a prompt, from its first token computed to its last
  kDecode,         // a text, from its first token to its last
  kTotalRequest,   // an HTTP request, from its head read to its last byte handed over
  kEmbedRequest,   // the texts of one request for embeddings
  kRerankRequest,  // the passages of one request for a rerank
};
inline constexpr size_t kStageCount = static_cast<size_t>(Stage::kRerankRequest) + 1;

// An event that is counted since the start of the process.
enum class Counter {
  kQuestions,
  kQuestionsFailed,
  kAnswersCached,       // served from the answer cache, revalidated ones included
  kAnswersNear,         // of these, those that were made for another question
  kAnswersShared,       // made by a question in flight that asked the same
  kAnswersRevalidated,  // the index had changed, but not what the answer stands on
  kAnswersStale,        // found in the cache and thrown away, because it had
  kAnswersDeclined,     // no passage answered the question
  kFilesIndexed,
  kFilesSkipped,
  kFilesRemoved,
  kChunksIndexed,
  kVectorsEmbedded,
  kTokensEmbedded,  // by a model; a vector that was known from before costs none
  kBytesIndexed,
  kCacheErrors,       // an answer could not be kept
  kTokensPrompt,      // of texts to generate, those that were reused included
  kTokensGenerated,
  kTokensReused,      // of prompts: their keys and values were there already
  kRequestsRefused,   // HTTP 429 and 503
  kRequestsCancelled, // the client left, or the deadline came
};
inline constexpr size_t kCounterCount = static_cast<size_t>(Counter::kRequestsCancelled) + 1;

// Stable lower-case names ("retrieve_lexical", "files_indexed") for JSON, tables and metrics.
[[nodiscard]] std::string_view stage_name(Stage stage);
[[nodiscard]] std::string_view counter_name(Counter counter);

// Passed by reference to whoever measures; must outlive them. Every member may be called from any
// thread without a lock. About 220 KiB: not for the stack of a small thread.
class Metrics {
 public:
  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void record(Stage stage, double ms) { histograms_[index(stage)].record(ms); }
  void add(Counter counter, uint64_t n = 1) {
    counters_[index(counter)].fetch_add(n, std::memory_order_relaxed);
  }

  [[nodiscard]] const Histogram& histogram(Stage stage) const { return histograms_[index(stage)]; }
  [[nodiscard]] HistogramSummary summary(Stage stage) const { return histogram(stage).summary(); }
  [[nodiscard]] uint64_t value(Counter counter) const {
    return counters_[index(counter)].load(std::memory_order_relaxed);
  }

 private:
  template <typename E>
  static constexpr size_t index(E e) {
    return static_cast<size_t>(e);
  }

  std::array<Histogram, kStageCount> histograms_;
  std::array<std::atomic<uint64_t>, kCounterCount> counters_{};
};

}  // namespace docmind::monitor
