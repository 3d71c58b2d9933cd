// Lists of English words by which the guards tell names from everyday words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace docmind::cache {

// Words that carry no topic: articles, pronouns, auxiliaries, prepositions, question words and the
// fillers of questions ("people", "things", "really").
[[nodiscard]] bool is_function_word(std::string_view folded);

// A function word or one of about 1,700 of everyday English, in any of its inflected forms. What is
// on neither list and is no inflection of it is likely a name or a term of a field.
[[nodiscard]] bool is_common_word(std::string_view folded);

}  // namespace docmind::cache
