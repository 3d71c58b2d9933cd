// What `ask` and `search` return, and its form in the cache and in JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/page_start.h"

namespace docmind::pipeline {

// One ranked passage.
struct Passage {
  int64_t chunk_id = 0;
  std::string path;
  std::string title;
  std::string heading;
  std::string text;
  uint32_t start_line = 1;
  uint32_t end_line = 1;
  uint32_t page = 0;  // 0: the format has no pages
  uint32_t end_page = 0;
  std::vector<PageStart> page_starts = {};  // within `text`; not kept in the cache
  double score = 0;      // of the fused ranking; comparable within one result list
  double relevance = 0;  // share of the question that the passage covers, 0..1
};

// A numbered source of an answer.
struct Citation {
  int number = 1;  // as in "[1]"
  std::string path;
  std::string title;
  std::string heading;
  uint32_t start_line = 1;
  uint32_t end_line = 1;
  uint32_t page = 0;
  uint32_t end_page = 0;
  std::vector<std::string> quotes = {};  // verbatim spans of the source's text, white space collapsed
  bool changed_on_disk = false;     // the file is newer than the index, or gone
};

// kShared: another question that asked the same was in flight, and this one got its answer.
enum class CacheState { kOff, kMiss, kMemory, kDisk, kShared };
[[nodiscard]] std::string_view cache_state_name(CacheState state);

struct StageTime {
  std::string stage;
  double ms = 0;
};

// Where a cached or shared answer comes from, and why it may be served.
struct CachedFrom {
  int64_t id = 0;           // for feedback; 0: none can be given
  std::string question = {};  // the one that it was made for
  double similarity = 1;    // of the two questions; 1: the same
  double agreement = 1;     // of what is retrieved now with what it stands on, 0..1
  std::optional<double> probability = {};  // of being right, where that was learned
  bool verified = false;    // the similarity alone did not do, a reranker decided
  bool evidence_checked = false;  // the question was retrieved again
  int64_t age_ms = 0;
  double saved_ms = 0;      // that making it took
  int64_t saved_tokens = 0;
};

struct Answer {
  std::string question;
  std::string text;
  bool answered = true;  // false: no relevant passage; `text` says so
  std::vector<Citation> citations;
  std::string provider;
  std::string identity = {};  // GenerateResult::identity of a fresh answer
  std::string route = {};     // why that provider, of a fresh answer; empty where there was no choice
  CacheState cache = CacheState::kMiss;
  std::optional<CachedFrom> cached;  // where `cache` is kMemory, kDisk or kShared
  bool stale = false;        // documents changed since, and the caller allowed that; to be asked anew
  int64_t cache_id = 0;      // under which a fresh answer was kept; 0: it was not
  std::string cache_error = {};  // why a fresh answer could not be kept; empty: it was, or was not to be
  int64_t n_prompt_tokens = 0;      // of a fresh answer; 0 where no model made it
  int64_t n_completion_tokens = 0;
  bool revalidated = false;  // from the cache after the index changed; the same passages were found
  std::vector<Passage> passages;  // what the answer was made from, best first
  std::vector<StageTime> stages;  // of this call
  double total_ms = 0;
};

// "file.html:12-30", "file.pdf, page 3"; for people.
[[nodiscard]] std::string location_of(const std::string& path, uint32_t start_line,
                                      uint32_t end_line, uint32_t page, uint32_t end_page);

// The JSON that `--json` prints. `page` is null where the format has none.
[[nodiscard]] json::value passage_to_json(const Passage& passage);
[[nodiscard]] json::value cached_to_json(const CachedFrom& cached);
[[nodiscard]] json::value answer_to_json(const Answer& answer, bool with_passages);

// The bytes kept in the answer cache: text, citations and passages, not the times. decode gives
// kMalformed on any other bytes.
[[nodiscard]] std::string encode_answer(const Answer& answer);
[[nodiscard]] Result<Answer> decode_answer(std::string_view bytes);

}  // namespace docmind::pipeline
