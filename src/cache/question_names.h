// Names and rare terms of two questions compared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cache/question_pairing.h"
#include "cache/question_words.h"

namespace docmind::cache {

// What differs, for people, "Dublin, Oslo"; empty when nothing does. A word is taken for a name by
// its capitals inside a sentence or, where most words are of everyday English, because it is not, so
// that questions in small letters compare with others. It must have no form in the other question
// (see Pairing). It then counts when another such word or any word of a topic faces it, or when it is
// surely a name. Linear time.
[[nodiscard]] std::string differing_names(const QuestionText& left, const QuestionText& right,
                                          const Pairing& pairing);

}  // namespace docmind::cache
