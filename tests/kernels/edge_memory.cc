// Memory before an unreadable page, from the operating system's pages.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/edge_memory.h"

#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

namespace docmind::test {

EdgeMemory::EdgeMemory(size_t n_bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t usable = (n_bytes + page - 1) / page * page;
  mapped_bytes_ = usable + page;
  void* mapping = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) std::abort();
  mapping_ = static_cast<std::byte*>(mapping);
  if (mprotect(mapping_ + usable, page, PROT_NONE) != 0) std::abort();
  data_ = mapping_ + usable - n_bytes;
}

EdgeMemory::~EdgeMemory() {
  munmap(mapping_, mapped_bytes_);
}

}  // namespace docmind::test
