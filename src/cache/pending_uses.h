// PendingUses: hits to be counted and damaged records to be dropped with the directory's next write.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "cache/directory_writer.h"

namespace docmind::cache {

// note_hit() and drop() come from any thread and take a moment only; the other calls need the lock of the
// writer.
class PendingUses {
 public:
  // True: so many hits were noted by now that they should be written.
  [[nodiscard]] bool note_hit(int64_t id, int64_t now_unix_ms);
  void drop(int64_t id);

  // Writes everything, within a transaction; once that is committed, call forget_written(). After a
  // failure the next write has it again.
  [[nodiscard]] Status write_to(DirectoryWriter& writer);
  void forget_written();
  [[nodiscard]] bool empty();

 private:
  struct Hits {
    int64_t n_hits = 0;
    int64_t used_unix_ms = 0;
    int64_t last_hit = 0;  // counted over all records
  };
  using HitsById = std::unordered_map<int64_t, Hits>;

  void take_noted();

  HitsById hits_;  // taken from those noted
  std::vector<int64_t> drops_;
  std::mutex mutex_;  // of all that follows
  HitsById noted_hits_;
  std::vector<int64_t> noted_drops_;
  int64_t n_noted_ = 0;
};

}  // namespace docmind::cache
