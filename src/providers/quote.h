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

}  // namespace docmind::providers
