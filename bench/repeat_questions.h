// Questions as people repeat them: topics of a manual in several wordings, some asked far more often.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "index/store_reader.h"

namespace docmind::bench {

inline constexpr size_t kWordings = 4;

// Something that a manual has a section about.
struct Topic {
  std::string heading;
  std::array<std::string, kWordings> wordings;
};

// Topics from the headings of an indexed manual, always the same for the same store: headings of two to
// seven words that name one section only and ask nothing themselves, without their numbers, in the order
// of their hashes. Fewer than `n` where the manual has no more. For "Locks on Tables" the wordings are
//   How do locks on tables work?
//   How do locks on table work?         (the last noun in the other number)
//   On tables, how do locks work?       (without a preposition "Table locks: how do they work?")
//   In which way do locks on tables work?
[[nodiscard]] Result<std::vector<Topic>> make_topics(const index::StoreReader& store, size_t n);

// One question asked.
struct Request {
  size_t topic = 0;
  size_t wording = 0;
};

// Topics by Zipf's law with s = 1, wordings with equal chances.
[[nodiscard]] std::vector<Request> make_requests(size_t n_topics, size_t n_requests, uint64_t seed);

}  // namespace docmind::bench
