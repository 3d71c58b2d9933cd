// Pairing: which words of two questions are forms of one another.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "cache/question_words.h"

namespace docmind::cache {

// One flag a word, by its place in QuestionText::words: whether the other question has a form of it.
// Function words and words with digits are compared by their stem alone.
struct Pairing {
  std::vector<bool> left;
  std::vector<bool> right;
};

// Words are paired by stem, when written together or apart ("YouTube", "You Tube"), as initials of
// other words ("WHO"), as one a derived form of the other ("Canada", "Canadian"), and when they are
// one slip of the pen apart and not both everyday words. Linear in the length but for the last two,
// which look at no more than the first 32 words left over on each side.
[[nodiscard]] Pairing pair_words(const QuestionText& left, const QuestionText& right);

}  // namespace docmind::cache
