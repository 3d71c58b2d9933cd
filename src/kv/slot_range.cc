// SlotRange: addresses are reserved at once, memory comes and goes with the slots.
// SPDX-License-Identifier: Apache-2.0
#include "kv/slot_range.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace docmind::kv {
namespace {

// Vector loads of the last slot may look beyond its end.
constexpr size_t kSlackBytes = 4096;
// Large pages make reading faster, but what is taken is then rounded up to 2 MiB for each kind of slot:
// only where that is little beside the whole.
constexpr size_t kLargePagesFrom = size_t{256} << 20;

size_t system_page() {
  static const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

Result<SlotRange> SlotRange::reserve(size_t n_bytes, size_t slot_bytes) {
  SlotRange range;
  range.slot_bytes_ = slot_bytes;
  if (slot_bytes == 0) return range;
  range.n_slots_ = std::min<size_t>(n_bytes / slot_bytes, std::numeric_limits<uint32_t>::max());
  range.mapped_bytes_ = range.n_slots_ * slot_bytes + kSlackBytes;
  void* data = ::mmap(nullptr, range.mapped_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return Error{ErrorCode::kLimit, fmt::format("cannot reserve {} bytes of addresses for the KV cache",
                                                range.mapped_bytes_)};
  }
  range.base_ = static_cast<std::byte*>(data);
  // The system would otherwise choose by its own setting, and the count of bytes would not be true.
  ::madvise(data, range.mapped_bytes_, n_bytes >= kLargePagesFrom ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return range;
}

SlotRange::SlotRange(SlotRange&& other) noexcept
  : base_(std::exchange(other.base_, nullptr)), mapped_bytes_(other.mapped_bytes_), slot_bytes_(other.slot_bytes_),
    n_slots_(other.n_slots_), n_warm_(other.n_warm_), slots_(std::move(other.slots_)),
    warm_free_(std::move(other.warm_free_)), cold_free_(std::move(other.cold_free_)) {}

SlotRange::~SlotRange() {
  if (base_ != nullptr) ::munmap(base_, mapped_bytes_);
}

uint32_t SlotRange::take() {
  if (!warm_free_.empty()) return warm_free_.extract(warm_free_.begin()).value();
  uint32_t index = static_cast<uint32_t>(slots_.size());
  if (!cold_free_.empty()) {
    index = cold_free_.extract(cold_free_.begin()).value();
  } else {
    slots_.emplace_back();
  }
  slots_[index].is_warm = true;
  ++n_warm_;
  return index;
}

std::pair<size_t, size_t> SlotRange::system_pages(uint32_t index) const {
  const size_t page = system_page();
  size_t begin = index * slot_bytes_, end = begin + slot_bytes_;
  // The first and the last page may belong to neighbours as well.
  bool begin_is_cold = true, end_is_cold = true;
  for (size_t i = begin / page * page / slot_bytes_; i < index; ++i) begin_is_cold &= is_cold(static_cast<uint32_t>(i));
  for (size_t i = index + 1; i * slot_bytes_ < (end + page - 1) / page * page; ++i) {
    end_is_cold &= is_cold(static_cast<uint32_t>(i));
  }
  begin = begin_is_cold ? begin / page * page : (begin + page - 1) / page * page;
  end = end_is_cold ? (end + page - 1) / page * page : end / page * page;
  return {begin, std::min(end, mapped_bytes_)};
}

void SlotRange::chill() {
  const uint32_t index = *warm_free_.rbegin();
  assert(slots_[index].is_warm && slots_[index].is_free());
  warm_free_.erase(index);
  cold_free_.insert(index);
  slots_[index].is_warm = false;
  --n_warm_;
  const auto [begin, end] = system_pages(index);
  if (begin < end) ::madvise(base_ + begin, end - begin, MADV_DONTNEED);
}

size_t SlotRange::overhead_bytes() const {
  constexpr size_t kSetNode = 40;
  return slots_.capacity() * sizeof(Slot) + (warm_free_.size() + cold_free_.size()) * kSetNode;
}

}  // namespace docmind::kv
