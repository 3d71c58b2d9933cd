// Replaces operator new by one that counts.
// SPDX-License-Identifier: Apache-2.0
#include "model/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<int64_t> n_calls = 0;
}  // namespace

int64_t docmind::test::n_allocations() { return n_calls.load(std::memory_order_relaxed); }

void* operator new(std::size_t n_bytes) {
  n_calls.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(n_bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
