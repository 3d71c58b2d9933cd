// Negation and antonyms: words that turn a question into its opposite.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cache/question_words.h"

namespace docmind::cache {

// What differs, for people, "not, none"; empty when both questions negate or neither does. "Why not",
// "whether or not", "not only", "no longer than" and "No. 5" negate nothing; "impossible" and "unable"
// do; "not impossible" does not. Linear time.
[[nodiscard]] std::string differing_negation(const QuestionText& left, const QuestionText& right);

// "enable, disable" when each question has the one and lacks the other; else empty. Linear time.
[[nodiscard]] std::string facing_antonyms(const QuestionText& left, const QuestionText& right);

}  // namespace docmind::cache
