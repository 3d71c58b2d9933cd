// Scheduler: the thread that generates all texts of a model together; requests in, tokens out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/scheduler_core.h"
#include "engine/scheduler_stats.h"
#include "engine/text_request.h"
#include "engine/text_stream.h"

namespace docmind::engine {

// Every member may be called from any thread; the end of its life ends all texts with kCancelled, and streams may
// outlive it.
class Scheduler {
 public:
  static Result<std::unique_ptr<Scheduler>> start(const SchedulerParts& parts);
  ~Scheduler();

  // Returns at once. kInvalidArgument and kLimit as check(TextRequest), kLimit also for a prompt that the budget can
  // never hold, those of FormatCaches::layout for a format it names; kBusy when too many wait, with the time after
  // which a place is likely to be free.
  [[nodiscard]] Result<std::unique_ptr<TextStream>> submit(TextRequest request);
  // `n` texts (1 and more) of one prompt, all or none of them; the seed of each is one more than that of the one
  // before. The first reads the prompt and the others begin when it is there, so that it is computed once.
  [[nodiscard]] Result<std::vector<std::unique_ptr<TextStream>>> submit_many(TextRequest request, int64_t n);
  // The milliseconds that a refusal names.
  [[nodiscard]] int64_t retry_after_ms() const { return meter_.retry_after_ms(parts_.now()); }

  // From the next step on, within what the scheduler was made with. kInvalidArgument and kUnsupported for a format of
  // texts that cannot be; nothing changes then.
  Status set(const SchedulerSetpoints& setpoints);
  // kv::format_settings of texts that are admitted from now on and name no format.
  [[nodiscard]] std::string kv_settings() const;
  [[nodiscard]] SchedulerStats stats() const { return meter_.snapshot(); }

  // Held prefixes of the configured format to a file and back (Cache::save and load); the streams wait for it.
  [[nodiscard]] Status save_prefixes(const std::string& path, size_t max_bytes);
  [[nodiscard]] Result<int64_t> restore_prefixes(const std::string& path);

 private:
  using Call = std::function<void(SchedulerCore*)>;  // null when it is closed

  explicit Scheduler(const SchedulerParts& parts) : parts_(parts), new_format_(parts.cache.format.format) {}
  void run();
  [[nodiscard]] Status take_places(int64_t n);
  [[nodiscard]] bool post(Call call);
  template <typename T>
  Result<T> ask(std::function<Result<T>(SchedulerCore&)> question);

  const SchedulerParts parts_;
  SchedulerMeter meter_;
  std::atomic<kv::Format> new_format_;  // of texts that name none
  std::unique_ptr<SchedulerCore> core_;  // of the thread

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<ScheduledText>> arrived_;
  std::vector<Call> calls_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace docmind::engine
