// PendingUses: hits to be counted and damaged records to be dropped with the directory's next write.
// SPDX-License-Identifier: Apache-2.0
#include "cache/pending_uses.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace docmind::cache {
namespace {

constexpr int64_t kHitsBeforeWrite = 256;
constexpr size_t kMaxPending = 65'536;  // records, while no write succeeds; other hits are not counted

}  // namespace

bool PendingUses::note_hit(int64_t id, int64_t now_unix_ms) {
  std::lock_guard lock(mutex_);
  if (noted_hits_.size() >= kMaxPending && !noted_hits_.contains(id)) return true;
  Hits& hits = noted_hits_[id];
  ++hits.n_hits;
  hits.used_unix_ms = std::max(hits.used_unix_ms, now_unix_ms);
  hits.last_hit = ++n_noted_;
  return n_noted_ % kHitsBeforeWrite == 0;
}

void PendingUses::drop(int64_t id) {
  std::lock_guard lock(mutex_);
  if (noted_drops_.size() < kMaxPending) noted_drops_.push_back(id);
}

void PendingUses::take_noted() {
  std::lock_guard lock(mutex_);
  for (const auto& [id, noted] : noted_hits_) {
    if (hits_.size() >= kMaxPending && !hits_.contains(id)) continue;
    Hits& hits = hits_[id];
    hits.n_hits += noted.n_hits;
    hits.used_unix_ms = std::max(hits.used_unix_ms, noted.used_unix_ms);
    hits.last_hit = noted.last_hit;
  }
  if (drops_.size() < kMaxPending) std::move(noted_drops_.begin(), noted_drops_.end(), std::back_inserter(drops_));
  noted_hits_.clear();
  noted_drops_.clear();
}

Status PendingUses::write_to(DirectoryWriter& writer) {
  take_noted();
  for (const int64_t id : drops_) DM_TRY(writer.erase(id));
  std::vector<std::pair<int64_t, Hits>> ordered(hits_.begin(), hits_.end());
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.second.last_hit < b.second.last_hit; });
  for (const auto& [id, hits] : ordered) DM_TRY(writer.add_hits(id, hits.n_hits, hits.used_unix_ms));
  return {};
}

void PendingUses::forget_written() {
  hits_.clear();
  drops_.clear();
}

bool PendingUses::empty() {
  std::lock_guard lock(mutex_);
  return hits_.empty() && drops_.empty() && noted_hits_.empty() && noted_drops_.empty();
}

}  // namespace docmind::cache
