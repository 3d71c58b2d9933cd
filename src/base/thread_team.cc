// ThreadTeam's members: spin, then sleep, then drain.
// SPDX-License-Identifier: Apache-2.0
#include "base/thread_team.h"

#include <algorithm>

namespace docmind {
namespace {

constexpr size_t kMaxThreads = 64;
// About 50 microseconds: longer than the serial parts of a forward pass, short enough that an idle
// engine costs nothing.
constexpr int kSpins = 2'000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Returns when `value` differs from `old`.
uint32_t await_change(const std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    const uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadTeam::ThreadTeam(size_t n_threads) {
  if (n_threads == 0) n_threads = std::max(1u, std::thread::hardware_concurrency());
  n_threads = std::min(n_threads, kMaxThreads);
  members_.reserve(n_threads - 1);
  for (size_t thread = 1; thread < n_threads; ++thread) {
    members_.emplace_back([this, thread] { member(thread); });
  }
}

ThreadTeam::~ThreadTeam() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& thread : members_) thread.join();
}

void ThreadTeam::run(int64_t n, int64_t grain, Call call, void* context) {
  if (n <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  if (members_.empty() || n <= grain) {
    for (int64_t begin = 0; begin < n; begin += grain) call(context, begin, std::min(n, begin + grain), 0);
    return;
  }
  call_ = call;
  context_ = context;
  end_ = n;
  grain_ = grain;
  next_.store(0, std::memory_order_relaxed);
  n_busy_.store(static_cast<uint32_t>(members_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  drain(0);
  // The members may still be in their last piece; the caller owns the result only after that.
  for (uint32_t busy = n_busy_.load(std::memory_order_acquire); busy != 0;) {
    busy = await_change(n_busy_, busy);
  }
}

void ThreadTeam::drain(size_t thread) {
  while (true) {
    const int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
    if (begin >= end_) return;
    call_(context_, begin, std::min(end_, begin + grain_), thread);
  }
}

void ThreadTeam::member(size_t thread) {
  uint32_t seen = 0;
  while (true) {
    seen = await_change(epoch_, seen);
    if (stop_.load(std::memory_order_relaxed)) return;
    drain(thread);
    if (n_busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) n_busy_.notify_one();
  }
}

}  // namespace docmind
