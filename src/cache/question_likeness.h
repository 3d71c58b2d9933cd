// How alike two questions read, for the calibrator.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cache/question_asks.h"
#include "cache/question_guards.h"
#include "cache/question_pairing.h"
#include "cache/question_words.h"

namespace docmind::cache {

// Symmetrical; linear time.
[[nodiscard]] TextLikeness likeness_of(const QuestionText& left, const QuestionText& right,
                                       const Pairing& pairing);

}  // namespace docmind::cache
