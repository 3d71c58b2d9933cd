// TokenTable: building and hashing.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_table.h"

#include <algorithm>
#include <bit>
#include <random>

#include "base/hash.h"

namespace docmind::tokenizer {

void TokenTable::reserve(size_t n_texts) {
  slots_.assign(std::bit_ceil(std::max<size_t>(2 * n_texts, 2)), Slot{});
  mask_ = slots_.size() - 1;
  seed_ = random_seed();
}

void TokenTable::insert(Texts texts, int32_t id) {
  const std::string& text = texts[static_cast<size_t>(id)];
  const uint64_t hashed = hash(text);
  slots_[slot_of(texts, text, hashed)] = {static_cast<uint32_t>(hashed >> 32), id};
}

uint64_t TokenTable::hash(std::string_view text) const { return hash64(text, seed_); }

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace docmind::tokenizer
