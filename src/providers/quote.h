// quote_of: the one form in which a span of a document is shown and checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::providers {

// The text without control characters (escape sequences lose their effect) and marks that reorder
// writing, every run of white space made one space, none at the ends. An answer quotes a span
// exactly when quote_of() of both is the same. Idempotent; valid UTF-8 stays valid.
[[nodiscard]] std::string quote_of(std::string_view span);

// The same, but line ends and the white space before the first character of a line stay; for code.
[[nodiscard]] std::string quote_lines_of(std::string_view span);

// The text as it is, without control characters (line ends and tabs stay) and marks that reorder
// writing: what a model generates is as little to be trusted on a terminal as what a document holds.
[[nodiscard]] std::string visible_text(std::string_view text);

}  // namespace docmind::providers
