// IndexPlan: compares the files under a root with the store and says what to do.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/index_plan.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"

namespace docmind::pipeline {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

bool at_or_below(std::string_view path, std::string_view root) {
  return path == root || (path.size() > root.size() && path.starts_with(root) &&
                          (root.ends_with('/') || path[root.size()] == '/'));
}

// A folder that cannot be read now says nothing about the documents below it.
bool is_shadowed(std::string_view path, const std::vector<ingest::SkippedFile>& skipped) {
  return std::any_of(skipped.begin(), skipped.end(), [&](const ingest::SkippedFile& skip) {
    return skip.error.code == ErrorCode::kPermission && at_or_below(path, skip.path);
  });
}

// Whether another root of the store keeps a document: roots may lie in one another, each with its
// own globs, and a file that one leaves out may be there for the other.
bool is_kept_by(const index::RootRecord& root, std::string_view path) {
  if (!at_or_below(path, root.path)) return false;
  if (path != root.path) {
    const std::string_view below = path.substr(root.path.size() + (root.path.ends_with('/') ? 0 : 1));
    if (!ingest::wanted(below, {.include = root.include, .exclude = root.exclude})) return false;
  }
  return stat_regular_file(std::string(path)).ok();
}

class Planner {
 public:
  Planner(IndexPlan& plan, bool rehash, int64_t now_ms)
      : plan_(plan), rehash_(rehash), now_ms_(now_ms) {}

  Status load(const std::string& root, const index::StoreReader& store) {
    DM_ASSIGN(std::vector<index::DocumentRecord> documents, store.documents_below(root));
    for (auto& document : documents) {
      std::string path = document.path;
      documents_.emplace(std::move(path), std::move(document));
    }
    DM_ASSIGN(std::vector<index::FailureRecord> failures, store.failures_below(root));
    for (auto& failure : failures) {
      std::string path = failure.path;
      failures_.emplace(std::move(path), std::move(failure));
    }
    return {};
  }

  void place(ingest::FoundFile file) {
    found_.insert(file.path);
    ++plan_.n_found;
    const auto document = documents_.find(file.path);
    const auto failure = failures_.find(file.path);
    if (!rehash_ && document != documents_.end() &&
        same(document->second.stamp, document->second.checked_unix_ms, file.stamp)) {
      ++plan_.n_unchanged;
      return;
    }
    if (!rehash_ && failure != failures_.end() &&
        same(failure->second.stamp, failure->second.checked_unix_ms, file.stamp)) {
      plan_.skipped.push_back({file.path, failure->second.error});
      return;
    }
    plan_.job_bytes += file.stamp.size_bytes;
    FileJob job{.file = std::move(file), .checked_unix_ms = now_ms_, .known = std::nullopt};
    if (document != documents_.end()) job.known = document->second;
    plan_.jobs.push_back(std::move(job));
  }

  void find_removals(std::span<const index::RootRecord> other_roots) {
    for (const auto& entry : documents_) {
      const std::string& path = entry.first;  // clang 14 captures no structured bindings
      const bool kept = found_.contains(path) || is_shadowed(path, plan_.skipped) ||
                        std::any_of(other_roots.begin(), other_roots.end(),
                                    [&](const auto& root) { return is_kept_by(root, path); });
      if (!kept) {
        plan_.removals.push_back(entry.second);
      }
    }
    for (auto& [path, failure] : failures_) {
      if (!found_.contains(path)) plan_.forgotten_failures.push_back(path);
    }
  }

 private:
  static bool same(const FileStamp& stored, int64_t checked_unix_ms, const FileStamp& now) {
    return stored == now && stamp_is_trustworthy(stored, checked_unix_ms);
  }

  IndexPlan& plan_;
  const bool rehash_;
  const int64_t now_ms_;
  std::unordered_map<std::string, index::DocumentRecord> documents_;
  std::unordered_map<std::string, index::FailureRecord> failures_;
  std::unordered_set<std::string> found_;
};

}  // namespace

bool stamp_is_trustworthy(const FileStamp& stamp, int64_t checked_unix_ms) {
  constexpr int64_t kTickMs = 1'000;  // coarser than any file system's clock that we meet
  return checked_unix_ms - stamp.ctime_ns / kNsPerMs > kTickMs;
}

Result<IndexPlan> plan_root(const std::string& root, const ingest::ScanOptions& options,
                            bool rehash, const index::StoreReader& store,
                            const CancelToken& cancel) {
  IndexPlan plan;
  const int64_t now_ms = unix_time_ms();  // before any stamp is taken
  DM_ASSIGN(ingest::ScanResult scan, ingest::scan_root(root, options, cancel));
  Planner planner(plan, rehash, now_ms);
  DM_TRY(planner.load(root, store));
  // A file that was given through a link is indexed under its own path.
  if (scan.files.size() == 1 && !at_or_below(scan.files[0].path, root)) {
    DM_TRY(planner.load(scan.files[0].path, store));
  }
  DM_ASSIGN(std::vector<index::RootRecord> other_roots, store.roots());
  std::erase_if(other_roots, [&](const index::RootRecord& other) { return other.path == root; });
  plan.n_ignored = static_cast<int64_t>(scan.n_ignored);
  plan.skipped = std::move(scan.skipped);
  for (ingest::FoundFile& file : scan.files) planner.place(std::move(file));
  planner.find_removals(other_roots);
  return plan;
}

}  // namespace docmind::pipeline
