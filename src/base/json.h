// JSON through Boost.JSON, with parsing that returns Results and bounds depth and size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/error.h"

namespace docmind {

namespace json = boost::json;

// kMalformed names the place; kLimit when it is larger than `max_bytes`; deeper than `max_depth` is
// kMalformed.
Result<json::value> parse_json(std::string_view text, size_t max_depth, size_t max_bytes);

// Two-space indentation, keys in insertion order, no line end after the last brace.
[[nodiscard]] std::string to_string_pretty(const json::value& value);

}  // namespace docmind
