// ThreadTeam: threads that start on a task within a microsecond, for loops of kernels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace docmind {

// Unlike ThreadPool, which sleeps between loops, members spin for a moment before they sleep, so a
// forward pass of hundreds of short loops is not slowed by waking them. Owned and called by one
// thread at a time; the calling thread is member 0. Nothing is allocated by a call.
class ThreadTeam {
 public:
  // `n_threads` includes the caller; 0 means one per online CPU (at most 64).
  explicit ThreadTeam(size_t n_threads);
  // The threads that a team of `n_threads` has.
  [[nodiscard]] static size_t size_of(size_t n_threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] size_t n_threads() const { return members_.size() + 1; }

  // Calls body(begin, end, thread) until [0, n) is covered by pieces of at most `grain`, handed out
  // in order; returns when all calls returned. `body` must not throw and must not call back.
  template <typename Body>
  void parallel_for(int64_t n, int64_t grain, Body&& body) {
    using Fn = std::remove_reference_t<Body>;
    run(n, grain, [](void* context, int64_t begin, int64_t end, size_t thread) {
      (*static_cast<Fn*>(context))(begin, end, thread);
    }, const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Call = void (*)(void* context, int64_t begin, int64_t end, size_t thread);
  void run(int64_t n, int64_t grain, Call call, void* context);
  void drain(size_t thread);
  void member(size_t thread);
  // Joins the open loop if it is another than `seen`; true when it was and is done.
  bool take_part(size_t thread, uint32_t& seen);

  // The loop: written while the gate is closed and nobody is inside, read by those inside.
  Call call_ = nullptr;
  void* context_ = nullptr;
  int64_t end_ = 0;
  int64_t grain_ = 1;
  alignas(64) std::atomic<int64_t> next_{0};
  // Bits 32 to 63: number of the loop; bit 31: open; below: members inside. A member that is not
  // running when a loop begins, since the machine has other work, is not waited for: the others do it.
  alignas(64) std::atomic<uint64_t> gate_{0};
  alignas(64) std::atomic<uint32_t> epoch_{0};  // what sleeping members wait on
  std::atomic<bool> stop_{false};
  std::vector<std::thread> members_;
};

}  // namespace docmind
