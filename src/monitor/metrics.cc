// The stable names of stages and counters.
// SPDX-License-Identifier: Apache-2.0
#include "monitor/metrics.h"

namespace docmind::monitor {

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::kScan: return "scan";
    case Stage::kRead: return "read";
    case Stage::kParse: return "parse";
    case Stage::kChunk: return "chunk";
    case Stage::kEmbed: return "embed";
    case Stage::kStore: return "store";
    case Stage::kTrain: return "train";
    case Stage::kEmbedQuestion: return "embed_question";
    case Stage::kRetrieveLexical: return "retrieve_lexical";
    case Stage::kRetrieveVector: return "retrieve_vector";
    case Stage::kFuse: return "fuse";
    case Stage::kRerank: return "rerank";
    case Stage::kCacheLookup: return "cache_lookup";
    case Stage::kCacheStore: return "cache_store";
    case Stage::kGenerate: return "generate";
    case Stage::kCite: return "cite";
    case Stage::kTotalAsk: return "total_ask";
    case Stage::kTotalSearch: return "total_search";
    case Stage::kTotalIndex: return "total_index";
    case Stage::kQueue: return "queue";
    case Stage::kFirstToken: return "first_token";
    case Stage::kBetweenTokens: return "between_tokens";
    case Stage::kPrefill: return "prefill";
    case Stage::kDecode: return "decode";
    case Stage::kTotalRequest: return "total_request";
    case Stage::kEmbedRequest: return "embed_request";
    case Stage::kRerankRequest: return "rerank_request";
  }
  return "unknown";
}

std::string_view counter_name(Counter counter) {
  switch (counter) {
    case Counter::kQuestions: return "questions";
    case Counter::kQuestionsFailed: return "questions_failed";
    case Counter::kAnswersCached: return "answers_cached";
    case Counter::kAnswersNear: return "answers_near";
    case Counter::kAnswersShared: return "answers_shared";
    case Counter::kAnswersRevalidated: return "answers_revalidated";
    case Counter::kAnswersStale: return "answers_stale";
    case Counter::kAnswersDeclined: return "answers_declined";
    case Counter::kFilesIndexed: return "files_indexed";
    case Counter::kFilesSkipped: return "files_skipped";
    case Counter::kFilesRemoved: return "files_removed";
    case Counter::kChunksIndexed: return "chunks_indexed";
    case Counter::kVectorsEmbedded: return "vectors_embedded";
    case Counter::kTokensEmbedded: return "tokens_embedded";
    case Counter::kBytesIndexed: return "bytes_indexed";
    case Counter::kCacheErrors: return "cache_errors";
    case Counter::kTokensPrompt: return "tokens_prompt";
    case Counter::kTokensGenerated: return "tokens_generated";
    case Counter::kTokensReused: return "tokens_reused";
    case Counter::kRequestsRefused: return "requests_refused";
    case Counter::kRequestsCancelled: return "requests_cancelled";
  }
  return "unknown";
}

}  // namespace docmind::monitor
