// What 'docmind cache' does; results as JSON, which the command prints.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"

namespace docmind::cli {

// {"tiers": [{"tier", "entries", "size_bytes", "limit_bytes"}], "computed": [the same], "questions":
// {...}, "learned": {...}}; the last two only where near questions are looked for.
Result<json::object> cache_stats(Session& session);
// [{"id", "question", "hits", "negative", "created_unix_ms", ...}] of the tenant.
Result<json::array> list_answers(Session& session, int64_t limit);
// The same of one answer, with its text, citations and documents. kNotFound.
Result<json::object> show_answer(Session& session, int64_t id);
Status judge_answer(Session& session, int64_t id, bool good);
Status clear_answers(Session& session, bool computed_too);

// Empty texts and absent values are no condition.
struct AnswerConditions {
  std::string document = {};
  std::string folder = {};
  std::optional<int64_t> older_than_s = {};
  bool negatives_only = false;
  bool all_tenants = false;
};
// Returns how many went. kInvalidArgument without any condition.
Result<int64_t> invalidate_answers(Session& session, const AnswerConditions& conditions);

// Observes the pairs of a JSON-lines file with the store's embedder; `learn`: keeps them for the
// calibrated mode. {"observations", "threshold", "hit_rate", "curve": [...], ...}.
Result<json::object> calibrate_cache(Session& session, const std::string& path, bool learn);

// {"answered", "cached", "negative", "failed"}; with a progress bar on standard error.
Result<json::object> warm_cache(Session& session, const std::string& path, size_t n_jobs);

}  // namespace docmind::cli
