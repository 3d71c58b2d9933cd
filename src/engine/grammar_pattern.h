// Patterns of strings: the regular expressions of JSON Schema that are simple enough.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/grammar_json.h"

namespace docmind::engine {

// The rule of strings, quotes included, in which the pattern (ECMA 262) is found: literals, '.', classes, \d \w \s and
// their opposites, groups, '|', '*', '+', '?', {m,n}, and '^' and '$' at the ends of an alternative; without these,
// anything may stand before and after. kUnsupported names what else it has, kInvalidArgument what is malformed.
[[nodiscard]] Result<NodeId> pattern_rule(GrammarBuilder& builder, JsonRules& json, std::string_view pattern);

// The pattern of a format, as RFC 3339 and RFC 9562 have it; empty for formats that are not known: known are "date",
// "time", "date-time" and "uuid". February has 28 days.
[[nodiscard]] std::string format_pattern(std::string_view format);

}  // namespace docmind::engine
