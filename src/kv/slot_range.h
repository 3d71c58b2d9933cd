// SlotRange: a range of addresses cut into slots of one size, and which of them have memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"

namespace docmind::kv {

// A slot is warm once it was taken: the system has given memory for it. It cools when it is free and
// chill() gives the memory back. Not thread-safe.
class SlotRange {
 public:
  struct Slot {
    uint32_t n_sequences = 0;
    bool in_tree = false;
    bool is_warm = false;
    [[nodiscard]] bool is_free() const { return n_sequences == 0 && !in_tree; }
  };

  // As many slots as `n_bytes` holds, none when slot_bytes is 0.
  static Result<SlotRange> reserve(size_t n_bytes, size_t slot_bytes);
  SlotRange(SlotRange&& other) noexcept;
  SlotRange& operator=(SlotRange&&) = delete;
  ~SlotRange();

  [[nodiscard]] size_t slot_bytes() const { return slot_bytes_; }
  [[nodiscard]] std::byte* data(uint32_t index) const { return base_ + index * slot_bytes_; }
  [[nodiscard]] Slot& slot(uint32_t index) { return slots_[index]; }

  [[nodiscard]] bool has_warm_free() const { return !warm_free_.empty(); }
  [[nodiscard]] bool has_free() const { return has_warm_free() || !cold_free_.empty() || slots_.size() < n_slots_; }
  // The lowest free slot that is warm, or else the lowest of all, which is warm from now on; has_free() must hold.
  uint32_t take();
  void put_back(uint32_t index) { warm_free_.insert(index); }
  // Gives the memory of the highest warm free slot back; has_warm_free() must hold.
  void chill();
  [[nodiscard]] size_t warm_bytes() const { return n_warm_ * slot_bytes_; }
  [[nodiscard]] size_t overhead_bytes() const;

 private:
  SlotRange() = default;
  [[nodiscard]] bool is_cold(uint32_t index) const { return index >= slots_.size() || !slots_[index].is_warm; }
  // The bytes of a cold slot in whole pages of the system, with those that only cold slots share with it.
  [[nodiscard]] std::pair<size_t, size_t> system_pages(uint32_t index) const;

  std::byte* base_ = nullptr;
  size_t mapped_bytes_ = 0;
  size_t slot_bytes_ = 0;
  size_t n_slots_ = 0;
  size_t n_warm_ = 0;
  std::vector<Slot> slots_;  // those that were ever taken
  std::set<uint32_t> warm_free_, cold_free_;
};

}  // namespace docmind::kv
