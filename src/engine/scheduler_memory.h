// SchedulerMemory: which texts may have a sequence, and where those are that must make room.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/scheduled_text.h"
#include "engine/scheduler_stats.h"
#include "kv/format_caches.h"

namespace docmind::engine {

// Of the scheduler's thread. Borrows caches and counts.
class SchedulerMemory {
 public:
  // `spill_folder` may be empty: sequences that make room are dropped then. Files that processes which are
  // gone left in the folder are removed.
  static Result<SchedulerMemory> create(kv::FormatCaches& caches, const std::string& spill_folder,
                                        SchedulerStats& counts);

  using Running = std::span<const std::unique_ptr<ScheduledText>>;
  // Gives a waiting text a sequence, from its file, from shared prefixes or empty, if all that it has said so far
  // can be held besides what `running` have been promised; always if none runs. False: not now.
  // `capacity` is of the sequence. An error is one of this text. Its format is the one that the text asks for, else
  // that of new texts, and stays.
  [[nodiscard]] Result<bool> open(ScheduledText& text, Running running, int64_t capacity);
  // The text makes room: its sequence goes to a file, or is dropped.
  void suspend(ScheduledText& text);
  // The text is over: whatever it holds goes back, files included.
  void close(ScheduledText& text);

  // Any thread: kLimit names both sizes when a prompt can never be held, other errors as FormatCaches::layout.
  [[nodiscard]] Status check_fits(int64_t n_prompt, kv::Format format) const;
  // Of texts that were not admitted yet; one that FormatCaches::layout() has.
  void set_format(kv::Format format);
  void set_prefill_tokens(int64_t n) { prefill_tokens_ = n; }

 private:
  SchedulerMemory(kv::FormatCaches& caches, std::string spill_folder, SchedulerStats& counts)
      : caches_(&caches), counts_(&counts), spill_folder_(std::move(spill_folder)),
        new_format_(caches.configured_format()) {}

  [[nodiscard]] kv::Format format_of(const ScheduledText& text) const;
  // What the first `n_tokens` of a text take while they are computed.
  [[nodiscard]] size_t bytes_for(const kv::Layout& layout, int64_t n_tokens) const;
  // Bytes that are still free when every running text has all that it was admitted for, and can go on for a while.
  [[nodiscard]] int64_t room_beside(Running running, int64_t growth_blocks) const;
  [[nodiscard]] Result<bool> make_sequence(kv::Cache& cache, ScheduledText& text, int64_t room, bool alone,
                                           int64_t capacity);
  [[nodiscard]] Result<bool> restore(kv::Cache& cache, ScheduledText& text, int64_t room, bool alone);
  void remove_file(ScheduledText& text);

  kv::FormatCaches* caches_;
  SchedulerStats* counts_;
  std::string spill_folder_;
  kv::Format new_format_;
  int64_t prefill_tokens_ = 256;
  // The text that did not fit last time, and the room there was: nothing is tried again before there is more.
  int64_t refused_id_ = -1;
  int64_t refused_room_ = 0;
};

}  // namespace docmind::engine
