// BackgroundIndexer: one thread of the lowest priority that indexes while questions are answered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/cancel.h"

namespace docmind::pipeline {

// Which processors background work gets: those that nobody else wants, few of those that others want, or its share.
enum class BackgroundPriority { kIdle, kLow, kNormal };

// Runs are taken in order, so collections that have one run waiting each take turns. Threads and processes that a run
// starts inherit the priority: at kIdle (SCHED_IDLE, nice 19) what answers questions takes the CPUs from them at once.
class BackgroundIndexer {
 public:
  using Run = std::function<void(const CancelToken& cancel)>;

  explicit BackgroundIndexer(BackgroundPriority priority = BackgroundPriority::kIdle);
  // Cancels the run that is under way and waits for its end; what is queued never runs.
  ~BackgroundIndexer();
  BackgroundIndexer(const BackgroundIndexer&) = delete;
  BackgroundIndexer& operator=(const BackgroundIndexer&) = delete;

  void add(Run run);
  [[nodiscard]] size_t n_waiting() const;

  // A question that is being answered, until it is destroyed.
  class Question {
   public:
    explicit Question(BackgroundIndexer& indexer) : indexer_(indexer) { ++indexer_.n_questions_; }
    ~Question() { indexer_.question_ends(); }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

   private:
    BackgroundIndexer& indexer_;
  };
  // For runs, between two files: waits until no question is being answered, but never long, so that indexing goes
  // on also where there is always one. Returns whether it had to.
  bool give_way();
  // For runs: calls `work` on a thread of normal priority and waits for it. For work that others may have to wait for,
  // such as a batch of an embedder in which a question can be.
  void at_normal_priority(const std::function<void()>& work);

 private:
  void work(BackgroundPriority priority);
  void help();
  void question_ends();

  std::atomic<int64_t> n_questions_{0};
  std::condition_variable quiet_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Run> runs_;
  std::optional<CancelToken> running_;
  bool stop_ = false;
  bool runs_over_ = false;
  const std::function<void()>* helped_ = nullptr;  // what the helper does now; null: nothing
  std::condition_variable help_;
  std::thread helper_;
  std::thread thread_;
};

}  // namespace docmind::pipeline
