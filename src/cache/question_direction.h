// Direction: the same words, the other way round.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cache/question_words.h"

namespace docmind::cache {

// "ethane to ethene" when the other question has "ethene to ethane"; empty when no pair is turned.
// Pairs stand around to, into, than, over, from ... to; or around one word of a topic ("India attack
// Pakistan"). "A and B", "A or B", "A vs B", "between A and B" have no direction. Linear time.
[[nodiscard]] std::string turned_pair(const QuestionText& left, const QuestionText& right);

}  // namespace docmind::cache
