// What changed in the wording from one question to another, by kind.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "cache/question_guards.h"
#include "cache/question_pairing.h"
#include "cache/question_words.h"

namespace docmind::cache {

// Counts of each WordingChange, at most 255. Symmetrical; linear time.
[[nodiscard]] std::array<uint8_t, kWordingChangeCount> wording_changes(const QuestionText& left,
                                                                       const QuestionText& right,
                                                                       const Pairing& pairing);

// Function words, and topic words such as "best" and "way" that add little to a question.
[[nodiscard]] bool is_filler(const QuestionWord& word);

}  // namespace docmind::cache
