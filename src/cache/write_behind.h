// WriteBehind: puts that wait in memory until a background thread has written them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "cache/key_hash.h"
#include "cache/tier.h"

namespace docmind::cache {

// A queue of puts, written one after the other in the order they came. May be called from several
// threads at once; the caller sees to it that add() and cancel() of one key do not meet.
class WriteBehind {
 public:
  using Write = std::function<Status(const CacheKey&, const CacheEntry&)>;

  // `write` is called from the queue's own thread. `limit_bytes`: of the entries that wait.
  WriteBehind(Write write, int64_t limit_bytes);
  // Writes what is left.
  ~WriteBehind();

  // False: the queue is full, nothing was added.
  [[nodiscard]] bool add(const CacheKey& key, const CacheEntry& entry);
  // The last entry of the key that is not written yet.
  [[nodiscard]] std::optional<CacheEntry> find(const CacheKey& key) const;
  // When it returns no put of the key (of any key) that was added before will be written any more,
  // and none is being written.
  void cancel(const CacheKey& key);
  void cancel_all();
  // Waits until all that was added before is written; the first error since the last flush.
  [[nodiscard]] Status flush();
  [[nodiscard]] int64_t size_bytes() const;

 private:
  struct Put {
    CacheKey key;
    CacheEntry entry;  // the value is null after a cancel
    uint64_t number = 0;
  };
  static int64_t charge_of(const Put& put);
  void write_all();
  void finish(const Put& put, Status written);
  void drop(Put& put);

  const Write write_;
  const int64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable added_;    // or the end has come
  std::condition_variable written_;  // one put more
  std::deque<Put> queue_;            // the first is being written while busy_
  std::unordered_map<CacheKey, uint64_t, KeyHash> last_;  // number of the key's last put
  uint64_t next_number_ = 0;
  int64_t size_bytes_ = 0;
  bool busy_ = false;
  bool ends_ = false;
  Status first_error_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace docmind::cache
