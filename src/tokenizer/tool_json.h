// JSON texts as they stand in prompts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::tokenizer {

// The white space of Python's json.dumps, which models have read in training: on one line with ", " and ": ", or
// indented by four spaces. Only white space changes. kInvalidArgument when it is no JSON object.
enum class JsonStyle { kOneLine, kIndented };
[[nodiscard]] Result<std::string> restyle_json(std::string_view text, JsonStyle style);

// The value of the member `key` of an object that is valid JSON, as it is written; empty when there is none.
[[nodiscard]] std::string_view member_text(std::string_view object, std::string_view key);

// The text in quotes, with what needs it escaped.
[[nodiscard]] std::string quoted_json(std::string_view text);

}  // namespace docmind::tokenizer
