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
constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kInside = kOpen - 1;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

size_t ThreadTeam::size_of(size_t n_threads) {
  if (n_threads == 0) n_threads = std::max(1u, std::thread::hardware_concurrency());
  return std::min(n_threads, kMaxThreads);
}

ThreadTeam::ThreadTeam(size_t n_threads) {
  n_threads = size_of(n_threads);
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
  const uint64_t loop = (gate_.load(std::memory_order_relaxed) >> 32) + 1;
  gate_.store(loop << 32 | kOpen, std::memory_order_release);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  drain(0);
  uint64_t gate = gate_.fetch_and(~kOpen, std::memory_order_acquire);
  // Those inside may still be in their last piece; the caller owns the result only after that. One
  // that lost its processor there needs this one's.
  for (int i = 0; (gate & kInside) != 0; ++i) {
    if (i < kSpins) relax();
    else std::this_thread::yield();
    gate = gate_.load(std::memory_order_acquire);
  }
}

void ThreadTeam::drain(size_t thread) {
  while (true) {
    const int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
    if (begin >= end_) return;
    call_(context_, begin, std::min(end_, begin + grain_), thread);
  }
}

bool ThreadTeam::take_part(size_t thread, uint32_t& seen) {
  uint64_t gate = gate_.load(std::memory_order_relaxed);
  do {
    if ((gate & kOpen) == 0 || static_cast<uint32_t>(gate >> 32) == seen) return false;
  } while (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed));
  seen = static_cast<uint32_t>(gate >> 32);
  drain(thread);
  gate_.fetch_sub(1, std::memory_order_release);
  return true;
}

void ThreadTeam::member(size_t thread) {
  uint32_t seen = 0;
  int n_idle = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    const uint32_t epoch = epoch_.load(std::memory_order_acquire);
    if (take_part(thread, seen)) {
      n_idle = 0;
    } else if (++n_idle < kSpins) {
      relax();
    } else {
      // A loop that began after `epoch` was read has changed it, and this returns at once.
      epoch_.wait(epoch, std::memory_order_acquire);
      n_idle = 0;
    }
  }
}

}  // namespace docmind
