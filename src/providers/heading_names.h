// Headings that are names: of settings, options, commands and functions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "base/words.h"

namespace docmind::providers {

// Share of a heading's content words that are words of the question, 0..1; section numbers do not
// count. `credits` [words.size()] says how far each word is one.
[[nodiscard]] double heading_precision(std::span<const Word> words,
                                       std::span<const double> credits);

// Whether a heading may be a name: "work_mem (integer)", "--jobs=N", "round(x)", any single word.
[[nodiscard]] bool may_be_name(std::string_view heading);

// Whether a heading is the very name of a setting, option, command or function: it then belongs
// before a sentence that does not repeat it. "Notes" is none.
[[nodiscard]] bool is_name(std::string_view heading);

// The name without its kind or arguments: "work_mem" of "work_mem (integer)".
[[nodiscard]] std::string_view bare_name(std::string_view heading);

}  // namespace docmind::providers
