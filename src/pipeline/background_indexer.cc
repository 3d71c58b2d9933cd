// BackgroundIndexer: one thread of the lowest priority that indexes while questions are answered.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/background_indexer.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace docmind::pipeline {
namespace {

constexpr std::chrono::milliseconds kLongestPause{10};

// Of this thread and those that it starts; where it is refused, indexing is only less polite.
void lower_priority(BackgroundPriority priority) {
  if (priority == BackgroundPriority::kNormal) return;
  constexpr int kLowestNice = 19;
  const sched_param none{};
  // Whoever wakes up takes the processor from it at once, which a nice value alone does not promise.
  const int policy = priority == BackgroundPriority::kIdle ? SCHED_IDLE : SCHED_BATCH;
  [[maybe_unused]] const int refused = pthread_setschedparam(pthread_self(), policy, &none);
  const auto thread_id = static_cast<id_t>(::syscall(SYS_gettid));
  [[maybe_unused]] const int nice = ::setpriority(PRIO_PROCESS, thread_id, kLowestNice);
}

}  // namespace

BackgroundIndexer::BackgroundIndexer(BackgroundPriority priority)
    : helper_([this] { help(); }), thread_([this, priority] { work(priority); }) {}

BackgroundIndexer::~BackgroundIndexer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    if (running_) running_->cancel();
  }
  wake_.notify_all();
  quiet_.notify_all();
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    runs_over_ = true;  // only now: the run that ended may have needed help
  }
  help_.notify_all();
  helper_.join();
}

void BackgroundIndexer::add(Run run) {
  {
    const std::lock_guard lock(mutex_);
    runs_.push_back(std::move(run));
  }
  wake_.notify_one();
}

bool BackgroundIndexer::give_way() {
  if (n_questions_.load() == 0) return false;
  std::unique_lock lock(mutex_);
  quiet_.wait_for(lock, kLongestPause, [&] { return stop_ || n_questions_.load() == 0; });
  return true;
}

void BackgroundIndexer::at_normal_priority(const std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  helped_ = &work;
  help_.notify_all();
  help_.wait(lock, [&] { return helped_ == nullptr; });
}

void BackgroundIndexer::help() {
  std::unique_lock lock(mutex_);
  while (true) {
    help_.wait(lock, [&] { return helped_ != nullptr || (stop_ && runs_over_); });
    if (helped_ == nullptr) return;
    lock.unlock();
    (*helped_)();
    lock.lock();
    helped_ = nullptr;
    help_.notify_all();
  }
}

void BackgroundIndexer::question_ends() {
  if (n_questions_.fetch_sub(1) != 1) return;
  // The lock orders this with a waiter that has looked at the count and not begun to wait.
  { const std::lock_guard lock(mutex_); }
  quiet_.notify_all();
}

size_t BackgroundIndexer::n_waiting() const {
  const std::lock_guard lock(mutex_);
  return runs_.size();
}

void BackgroundIndexer::work(BackgroundPriority priority) {
  lower_priority(priority);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !runs_.empty(); });
    if (stop_) return;
    const Run run = std::move(runs_.front());
    runs_.pop_front();
    running_.emplace();
    const CancelToken cancel = *running_;
    lock.unlock();
    run(cancel);
    lock.lock();
    running_.reset();
  }
}

}  // namespace docmind::pipeline
