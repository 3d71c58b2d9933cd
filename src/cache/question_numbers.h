// Numbers, dates, versions and units of two questions compared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cache/question_words.h"

namespace docmind::cache {

// What differs, for people, "10, 12"; empty when nothing does. "1,000" is 1000, "2nd" and "second" are 2,
// "10 kg" is "10kg". Number words count only against a number of the other question. A number, month
// or code ("H1B") of one question alone is a difference too. Linear time.
[[nodiscard]] std::string differing_numbers(const QuestionText& left, const QuestionText& right);

// Months, units and number words, which are compared as numbers where they stand as such.
[[nodiscard]] bool is_measure_word(std::string_view folded);

}  // namespace docmind::cache
