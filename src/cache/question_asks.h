// What a question asks for, as far as its question words tell.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "cache/question_words.h"

namespace docmind::cache {

enum class AsksFor : uint8_t {
  kAnything,  // no question word that we know
  kWhat,      // what, which
  kYesNo,     // begins with is, do, can, ...
  kHow,       // a way to do something: how to, the best way to
  kWhy,
  kWhen,
  kWhere,
  kWho,
  kQuantity,  // how many, how long, how much does it cost
};

// Of the first sentence that has a question word. English.
[[nodiscard]] AsksFor asks_for(const QuestionText& question);
[[nodiscard]] std::string_view name_of(AsksFor kind);  // "a reason"

// Whether an answer to the one cannot be one to the other. Symmetrical.
[[nodiscard]] bool conflict(AsksFor a, AsksFor b);

}  // namespace docmind::cache
