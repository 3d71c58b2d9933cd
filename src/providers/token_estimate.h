// Bounds for the number of tokens of a text whose tokenizer runs somewhere else.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace docmind::providers {

// Rather too many: three letters of ASCII a token, each digit, mark and line end one, one and a half for a character
// of three bytes. Common vocabularies stay below for prose in any script, tables and code.
[[nodiscard]] int64_t estimate_tokens(std::string_view text);

// Fewer than any common tokenizer makes: one for each word between white space, since vocabularies of language models
// do not join words. A count below it means that a part of the text was not read.
[[nodiscard]] int64_t least_tokens(std::string_view text);

}  // namespace docmind::providers
