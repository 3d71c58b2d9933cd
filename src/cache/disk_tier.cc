// DiskTier: entries in one SQLite file within a limit of bytes, which survive the process.
// SPDX-License-Identifier: Apache-2.0
#include "cache/disk_tier.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/file.h"
#include "cache/disk_connection.h"

namespace docmind::cache {
namespace {

constexpr int64_t kTouchAfterMs = 3'600'000;
constexpr int64_t kMaxValueBytes = 64 << 20;
constexpr int64_t kParts = 10;  // an eviction frees a tenth; an entry takes a tenth at most
constexpr int kConnectTries = 3;

int64_t max_value_bytes(int64_t limit_bytes) {
  return std::clamp<int64_t>(limit_bytes / kParts, 0, kMaxValueBytes);
}

}  // namespace

DiskTier::DiskTier(DiskTierOptions options)
    : options_(std::move(options)), limit_bytes_(options_.limit_bytes) {}

DiskTier::~DiskTier() = default;

// Runs `call` with an open connection. After a failure that another try cannot survive (a damaged
// page, a file that was deleted or replaced) the next call finds a fresh connection.
template <typename Call>
auto DiskTier::guarded(Call&& call) -> decltype(call()) {
  if (connection_ == nullptr) {
    if (Status connected = connect(); !connected.ok()) {
      ++counts_.errors;
      return std::move(connected).error();
    }
  }
  auto result = call();
  if (result.ok()) return result;
  ++counts_.errors;
  const bool replaced = file_replaced();
  if (result.error().code == ErrorCode::kMalformed || replaced) {
    connection_.reset();
    if (!replaced) set_aside(result.error());
  }
  return result;
}

Result<std::unique_ptr<DiskTier>> DiskTier::open(DiskTierOptions options) {
  std::unique_ptr<DiskTier> tier(new DiskTier(std::move(options)));
  std::lock_guard lock(tier->mutex_);
  DM_TRY(tier->connect());
  // A file that stays too large for now is no reason to do without it: the next put evicts.
  [[maybe_unused]] Status ignored = tier->guarded([&] { return tier->fit_to_limit(); });
  return tier;
}

Status DiskTier::connect() {
  connection_.reset();
  for (int attempt = 1;; ++attempt) {
    Result<FileStamp> before = stat_regular_file(options_.path);
    Result<std::unique_ptr<DiskConnection>> opened =
        DiskConnection::open(options_.path, kMaxValueBytes);
    if (opened.ok()) {
      connection_ = *std::move(opened);
      if (connection_->found_schema() == CacheSchema::kOlder) begin_anew();
      return {};
    }
    Error error = std::move(opened).error();
    if (error.code != ErrorCode::kMalformed || attempt == kConnectTries) {
      return std::move(error).with_context("the disk cache '" + options_.path + "'");
    }
    // Only the file that was found bad is set aside, not one that another process has put there.
    Result<FileStamp> now = stat_regular_file(options_.path);
    if (before.ok() && now.ok() && before->inode == now->inode) set_aside(error);
  }
}

// The tables of an older version are gone already.
void DiskTier::begin_anew() {
  warning_ = "the disk cache '" + options_.path +
             "' was written by an older version of this program and was begun anew";
  // Should it fail, the free pages are used before the file grows.
  [[maybe_unused]] Status ignored = connection_->vacuum();
}

// The log goes first: left behind, SQLite would play it into the new file.
void DiskTier::set_aside(const Error& why) {
  const std::string corrupt = options_.path + ".corrupt";
  ::unlink((options_.path + "-wal").c_str());
  ::unlink((options_.path + "-shm").c_str());
  if (::rename(options_.path.c_str(), corrupt.c_str()) != 0) return;  // the next try will fail
  warning_ = "the disk cache was damaged (" + why.message + "); the file is kept as '" + corrupt +
             "' and a new cache was begun";
}

bool DiskTier::file_replaced() const {
  Result<FileStamp> now = stat_regular_file(options_.path);
  return !now.ok() || (connection_ != nullptr && now->inode != connection_->inode());
}

std::string DiskTier::take_warning() {
  std::lock_guard lock(mutex_);
  return std::exchange(warning_, {});
}

Result<std::optional<CacheEntry>> DiskTier::get(const CacheKey& key) {
  std::lock_guard lock(mutex_);
  auto result = guarded([&] { return get_locked(key); });
  const bool hit = result.ok() && result->has_value();
  ++(hit ? counts_.hits : counts_.misses);
  if (hit) {
    counts_.hit_bytes += (*result)->value->size();
    counts_.saved_ms += (*result)->cost_ms;
  }
  return result;
}

Result<std::optional<CacheEntry>> DiskTier::get_locked(const CacheKey& key) {
  const int64_t now = options_.now();
  std::optional<CacheEntry> entry;
  bool expired = false;
  int64_t touch_id = 0;
  DM_ASSIGN(const bool found, connection_->find(key, [&](const DiskRow& row) {
    expired = row.expires_unix_ms != 0 && row.expires_unix_ms <= now;
    if (expired) return;
    entry = decode(key, row);
    // A clock that was set back must not make an entry the most recently used for ever.
    const bool recent = row.used_unix_ms > now - kTouchAfterMs &&
                        row.used_unix_ms < now + kTouchAfterMs;
    if (!recent) touch_id = row.id;
  }));
  if (!found) return entry;
  const bool damaged = !expired && !entry;
  counts_.expired += expired ? 1 : 0;
  counts_.errors += damaged ? 1 : 0;
  // Tidying up must not cost the caller his answer: a failure is counted, and repeated next time.
  Status tidied;
  if (expired || damaged) tidied = connection_->erase(key);
  if (entry && touch_id != 0) tidied = connection_->touch(touch_id, now);
  if (!tidied.ok()) ++counts_.errors;
  return entry;
}

// Nullopt when the row is damaged.
std::optional<CacheEntry> DiskTier::decode(const CacheKey& key, const DiskRow& row) {
  std::optional<std::string> value = packer_.unpack(row.value, kMaxValueBytes);
  if (!value) return std::nullopt;
  CacheEntry entry = make_entry(*std::move(value), row.created_unix_ms, row.expires_unix_ms,
                                row.cost_ms);
  if (checksum_of(key, entry) != row.checksum || !std::isfinite(row.cost_ms)) return std::nullopt;
  return entry;
}

Status DiskTier::put(const CacheKey& key, CacheEntry entry) {
  // The file has no other numbers, and statistics add them up.
  if (!std::isfinite(entry.cost_ms)) entry.cost_ms = 0;
  std::lock_guard lock(mutex_);
  return guarded([&] { return put_locked(key, entry); });
}

Status DiskTier::put_locked(const CacheKey& key, const CacheEntry& entry) {
  bool fits = static_cast<int64_t>(entry.value->size()) <= max_value_bytes(limit_bytes_);
  std::string buffer;
  StoredValue stored;
  if (fits) stored = packer_.pack(*entry.value, buffer);
  DM_ASSIGN(Transaction transaction, Transaction::begin(connection_->db()));
  if (fits) {
    // The value may begin and end in the middle of a page, and each index may split one.
    const auto stored_bytes = static_cast<int64_t>(stored.bytes.size());
    DM_ASSIGN(fits, make_room(stored_bytes + 8 * connection_->page_bytes()));
  }
  if (fits) {
    DM_TRY(connection_->upsert(key, entry, stored, options_.now()));
  } else {
    DM_TRY(connection_->erase(key));
  }
  DM_TRY(transaction.commit());
  ++(fits ? counts_.puts : counts_.rejected);
  return {};
}

// Within a transaction. False: even an empty cache has no room for so much.
Result<bool> DiskTier::make_room(int64_t needed_bytes) {
  DM_ASSIGN(int64_t used_bytes, connection_->used_bytes());
  if (used_bytes + needed_bytes <= limit_bytes_) return true;
  DM_ASSIGN(const int64_t n_expired, connection_->delete_expired(options_.now()));
  counts_.expired += static_cast<uint64_t>(n_expired);
  const int64_t target_bytes = limit_bytes_ - limit_bytes_ / kParts - needed_bytes;
  while (true) {
    DM_ASSIGN(used_bytes, connection_->used_bytes());
    if (used_bytes <= target_bytes) return true;
    DM_ASSIGN(const int64_t n_deleted, connection_->delete_least_used(used_bytes - target_bytes));
    if (n_deleted == 0) return used_bytes + needed_bytes <= limit_bytes_;
    counts_.evictions += static_cast<uint64_t>(n_deleted);
  }
}

// After the limit was lowered: evicts, and cuts the file, which SQLite alone never makes smaller.
Status DiskTier::fit_to_limit() {
  DM_ASSIGN(const int64_t file_bytes, connection_->file_bytes());
  if (file_bytes <= limit_bytes_) return {};
  DM_ASSIGN(Transaction transaction, Transaction::begin(connection_->db()));
  DM_ASSIGN([[maybe_unused]] const bool fits, make_room(0));
  DM_TRY(transaction.commit());
  return connection_->vacuum();
}

Status DiskTier::set_limit(int64_t limit_bytes) {
  if (limit_bytes < 0) {
    return Error{ErrorCode::kInvalidArgument, "the disk cache '" + options_.path +
                                                  "' cannot have a limit of " +
                                                  std::to_string(limit_bytes) + " bytes"};
  }
  std::lock_guard lock(mutex_);
  limit_bytes_ = limit_bytes;
  return guarded([&] { return fit_to_limit(); });
}

Status DiskTier::erase(const CacheKey& key) {
  std::lock_guard lock(mutex_);
  return guarded([&] { return connection_->erase(key); });
}

Status DiskTier::clear() {
  std::lock_guard lock(mutex_);
  return guarded([&]() -> Status {
    DM_TRY(connection_->db().exec("DELETE FROM entries"));
    return connection_->vacuum();
  });
}

TierStats DiskTier::stats() const {
  std::lock_guard lock(mutex_);
  TierStats stats = counts_;
  stats.name = name();
  stats.limit_bytes = limit_bytes_;
  if (connection_ == nullptr) return stats;
  if (Result<int64_t> n = connection_->n_entries(); n.ok()) stats.n_entries = *n;
  if (Result<int64_t> n = connection_->used_bytes(); n.ok()) stats.size_bytes = *n;
  return stats;
}

}  // namespace docmind::cache
