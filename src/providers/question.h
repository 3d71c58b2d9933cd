// What kind of answer a question asks for, and the cues in a sentence that give it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/words.h"

namespace docmind::providers {

enum class QuestionKind : uint8_t {
  kOther,
  kDefinition,  // what is X, what does X do
  kHowTo,
  kQuantity,  // how many, maximum
  kDefault,   // default value of X
  kComparison,  // how X differs from Y
  kTime,
  kPerson,
  kReason,
  kPlace
};

// Judges by the English question words; questions in other languages are kOther.
[[nodiscard]] QuestionKind question_kind(std::string_view question);

// A sentence with what stands around it.
struct SentenceForm {
  std::string_view text;
  std::span<const Word> words;      // of `text`
  std::span<const double> credits;  // [words.size()]: how far each is a word of the question
  bool leads = false;               // the first one below a heading that has a question's word
  bool names = false;        // ... and that heading is just what the question names
  bool introduces = false;          // code or a list follows directly
};

// 0 (no sign) to 1 (clear sign) that the sentence gives that kind of answer.
[[nodiscard]] double answer_cue(QuestionKind kind, const SentenceForm& sentence);

// Factor 0..1 for how well the sentence stands alone: cross references, navigation, fragments and
// sentences that lean on the one before get less.
[[nodiscard]] double standing(const SentenceForm& sentence, bool starts_block);

}  // namespace docmind::providers
