// What 'docmind cache' does with answers: list, show, judge, remove.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cache_actions.h"

#include <filesystem>

#include "base/clock.h"
#include "base/text.h"
#include "cli/library.h"
#include "index/store_reader.h"

namespace docmind::cli {
namespace {

// The cache of a store that is there.
Result<std::unique_ptr<cache::AnswerCache>> open_cache_of_store(Session& session) {
  DM_ASSIGN(const std::string folder, store_folder(session));
  DM_ASSIGN([[maybe_unused]] const index::StoreReader store, index::StoreReader::open(folder));
  return open_cache(session, folder);
}

Result<cache::AnswerDirectory*> directory_of(cache::AnswerCache& cache) {
  if (cache.directory() != nullptr) return cache.directory();
  return Error{ErrorCode::kUnsupported,
               "questions are remembered only while near ones are looked for; set cache.semantic = true"};
}

json::object record_to_json(const cache::AnswerRecord& record) {
  json::array documents;
  for (const cache::Dependency& dependency : record.dependencies) {
    documents.push_back({{"path", to_valid_utf8(dependency.path)}, {"sha256", dependency.content_hash}});
  }
  return {{"id", record.id},
          {"question", to_valid_utf8(record.question)},
          {"tenant", to_valid_utf8(record.tenant)},
          {"negative", record.negative},
          {"hits", record.n_hits},
          {"created_unix_ms", record.created_unix_ms},
          {"used_unix_ms", record.used_unix_ms},
          {"cost_ms", record.cost_ms},
          {"cost_tokens", record.cost_tokens},
          {"documents", std::move(documents)}};
}

json::array tiers_to_json(const std::vector<cache::TierStats>& all) {
  json::array tiers;
  for (const cache::TierStats& tier : all) {
    tiers.push_back({{"tier", tier.name},
                     {"entries", tier.n_entries},
                     {"size_bytes", tier.size_bytes},
                     {"limit_bytes", tier.limit_bytes}});
  }
  return tiers;
}

Result<std::string> absolute_path(const std::string& name) {
  std::error_code failure;
  std::string path = std::filesystem::absolute(name, failure).lexically_normal().string();
  if (failure) {
    return Error{ErrorCode::kInvalidArgument,
                 "cannot make '" + name + "' absolute: " + failure.message()};
  }
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

Result<json::object> cache_stats(Session& session) {
  DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache_of_store(session));
  json::object stats{{"tiers", tiers_to_json(cache->tier_stats())}};
  DM_ASSIGN(const std::string folder, store_folder(session));
  if (const auto computed = open_computed(session, folder); computed != nullptr) {
    stats["computed"] = tiers_to_json(computed->tier_stats());
  }
  if (cache->directory() == nullptr) return stats;
  DM_ASSIGN(const cache::DirectoryCounts counts, cache->directory()->counts());
  stats["questions"] = {{"entries", counts.n_records},
                        {"negative", counts.n_negative},
                        {"hits", counts.n_hits},
                        {"saved_ms", counts.saved_ms},
                        {"saved_tokens", counts.saved_tokens},
                        {"file_bytes", counts.file_bytes}};
  DM_ASSIGN(const cache::CalibrationReport learned, cache->calibration());
  stats["learned"] = {
      {"observations", static_cast<int64_t>(learned.n_observations)},
      {"wrong", static_cast<int64_t>(learned.n_wrong)},
      {"threshold", learned.threshold ? json::value(*learned.threshold) : json::value()},
      {"backed_off", learned.backed_off}};
  return stats;
}

Result<json::array> list_answers(Session& session, int64_t limit) {
  DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache_of_store(session));
  DM_ASSIGN(cache::AnswerDirectory * directory, directory_of(*cache));
  DM_ASSIGN(const std::vector<cache::AnswerRecord> records,
            directory->list(session.config().tenant, limit));
  json::array answers;
  for (const cache::AnswerRecord& record : records) answers.push_back(record_to_json(record));
  return answers;
}

Result<json::object> show_answer(Session& session, int64_t id) {
  DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache_of_store(session));
  DM_ASSIGN(cache::AnswerDirectory * directory, directory_of(*cache));
  DM_ASSIGN(const std::optional<cache::AnswerRecord> record, directory->find(id));
  if (!record || record->tenant != session.config().tenant) {
    return Error{ErrorCode::kNotFound, "there is no cached answer " + std::to_string(id) +
                                           " of tenant '" + session.config().tenant +
                                           "'; `docmind cache list` shows them"};
  }
  json::object shown = record_to_json(*record);
  if (const std::optional<cache::CachedAnswer> cached = cache->peek(record->key)) {
    DM_ASSIGN(const pipeline::Answer answer, pipeline::decode_answer(cached->payload));
    shown["answer"] = pipeline::answer_to_json(answer, true);
  }
  return shown;
}

Status judge_answer(Session& session, int64_t id, bool good) {
  DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache_of_store(session));
  return cache->feedback(session.config().tenant, id, good);
}

Status clear_answers(Session& session, bool computed_too) {
  DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache_of_store(session));
  DM_TRY(cache->clear());
  if (!computed_too) return {};
  DM_ASSIGN(const std::string folder, store_folder(session));
  const std::unique_ptr<cache::ComputationCache> computed = open_computed(session, folder);
  return computed != nullptr ? computed->clear() : Status();
}

Result<int64_t> invalidate_answers(Session& session, const AnswerConditions& conditions) {
  cache::AnswerFilter filter;
  if (!conditions.document.empty()) {
    DM_ASSIGN(filter.document, absolute_path(conditions.document));
  }
  if (!conditions.folder.empty()) {
    DM_ASSIGN(filter.folder, absolute_path(conditions.folder));
  }
  if (conditions.older_than_s) {
    filter.created_before_unix_ms = unix_time_ms() - *conditions.older_than_s * 1000;
  }
  filter.negatives_only = conditions.negatives_only;
  const bool any = filter.document || filter.folder || filter.created_before_unix_ms ||
                   filter.negatives_only;
  if (!any) {
    return Error{ErrorCode::kInvalidArgument,
                 "say which answers: --document, --folder, --older-than or --negative; all of them: "
                 "docmind cache clear"};
  }
  if (!conditions.all_tenants) filter.tenant = session.config().tenant;
  DM_ASSIGN(const std::unique_ptr<cache::AnswerCache> cache, open_cache_of_store(session));
  return cache->invalidate(filter);
}

}  // namespace docmind::cli
