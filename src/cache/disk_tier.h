// DiskTier: entries in one SQLite file within a limit of bytes, which survive the process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "cache/disk_value.h"
#include "cache/tier.h"

namespace docmind::cache {

class DiskConnection;
struct DiskRow;

struct DiskTierOptions {
  std::string path;                 // of the SQLite file; its folder must exist
  int64_t limit_bytes = 512 << 20;  // of the file; the write-ahead log may add some 4 MiB
  WallClock now = unix_time_ms;
};

// Several processes may use one file. A killed process loses nothing that was put. Values are
// compressed where that helps; each carries a checksum of its plain bytes, and a damaged one is
// erased and missed. A file that SQLite cannot read any more is renamed to PATH.corrupt and a new
// one begun, for all that a cache holds can be made again; one of an older version is emptied.
// At the limit expired entries go first, then the least recently used until a tenth is free; use is
// noted once an hour at most. An entry whose value is larger than a tenth of the limit (or 64 MiB),
// before compression, is not stored.
// A call waits at most about a second for another process, then fails with kBusy.
class DiskTier final : public Tier {
 public:
  // Creates the file with mode 0600. kMismatch when the file belongs to another application or a
  // newer version; it is left alone then.
  static Result<std::unique_ptr<DiskTier>> open(DiskTierOptions options);
  ~DiskTier() override;

  // What had to be repaired or begun anew since the last call, a sentence for the user; empty:
  // nothing.
  [[nodiscard]] std::string take_warning();

  std::string name() const override { return "disk"; }
  Result<std::optional<CacheEntry>> get(const CacheKey& key) override;
  Status put(const CacheKey& key, CacheEntry entry) override;
  Status erase(const CacheKey& key) override;
  // Gives the space back to the file system as well.
  Status clear() override;
  // Sizes are 0 while the file cannot be read.
  TierStats stats() const override;
  // Evicts what is too much and gives the space back to the file system, which rewrites the file: up
  // to a second or two for hundreds of MiB. Should that fail (kBusy), the next put evicts.
  Status set_limit(int64_t limit_bytes) override;

 private:
  explicit DiskTier(DiskTierOptions options);

  // These need the lock.
  Status connect();
  void begin_anew();
  void set_aside(const Error& why);
  bool file_replaced() const;
  template <typename Call>
  auto guarded(Call&& call) -> decltype(call());
  Result<std::optional<CacheEntry>> get_locked(const CacheKey& key);
  std::optional<CacheEntry> decode(const CacheKey& key, const DiskRow& row);
  Status put_locked(const CacheKey& key, const CacheEntry& entry);
  Result<bool> make_room(int64_t needed_bytes);
  Status fit_to_limit();

  const DiskTierOptions options_;  // of them, limit_bytes is only the first limit
  mutable std::mutex mutex_;
  int64_t limit_bytes_;
  ValuePacker packer_;
  std::unique_ptr<DiskConnection> connection_;  // null after a failed repair, until the next call
  std::string warning_;
  TierStats counts_;
};

}  // namespace docmind::cache
