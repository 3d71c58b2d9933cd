// TokenTable: the ids of texts, in an open hash table of 8 bytes an entry.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::tokenizer {

// Ids index a list of texts that the caller keeps and hands in with each call. Immutable after
// building and then safe to use from several threads.
class TokenTable {
 public:
  using Texts = std::span<const std::string>;
  static constexpr int32_t kNone = -1;

  TokenTable() = default;
  // All texts for which wanted(id) holds. Of equal texts the last one counts, as in llama.cpp.
  template <typename Wanted>
  TokenTable(Texts texts, Wanted wanted) {
    reserve(texts.size());
    for (size_t id = 0; id < texts.size(); ++id) {
      if (wanted(id)) insert(texts, static_cast<int32_t>(id));
    }
  }

  [[nodiscard]] int32_t find(Texts texts, std::string_view text) const {
    return slots_.empty() ? kNone : slots_[slot_of(texts, text, hash(text))].id;
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t id = kNone;
  };

  void reserve(size_t n_texts);
  void insert(Texts texts, int32_t id);
  [[nodiscard]] uint64_t hash(std::string_view text) const;
  [[nodiscard]] size_t slot_of(Texts texts, std::string_view text, uint64_t hash) const {
    const auto short_hash = static_cast<uint32_t>(hash >> 32);
    size_t slot = hash & mask_;
    while (slots_[slot].id != kNone) {
      if (slots_[slot].hash == short_hash && texts[static_cast<size_t>(slots_[slot].id)] == text) break;
      slot = (slot + 1) & mask_;
    }
    return slot;
  }

  std::vector<Slot> slots_;  // at most half of them in use
  size_t mask_ = 0;
  uint64_t seed_ = 0;
};

// A seed that a file's author does not know, so that no choice of texts makes a table slow.
[[nodiscard]] uint64_t random_seed();

}  // namespace docmind::tokenizer
