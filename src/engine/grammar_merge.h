// Schemas that must hold together, and schemas that cannot.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace docmind::engine {

// A keyword that cannot be honoured, and where it stands (a JSON pointer).
[[nodiscard]] Error unsupported_keyword(std::string_view keyword, std::string_view pointer, std::string_view why);

// Whether it says nothing about what is valid ("title").
[[nodiscard]] bool is_annotation(std::string_view keyword);

// One schema for what both say (allOf): properties and required put together, types and values that both allow, the
// narrower bounds. kUnsupported names a keyword that both have and that cannot be put together.
[[nodiscard]] Result<json::object> merge_schemas(const json::object& a, const json::object& b,
                                                 const std::string& pointer);

// The types that a schema names or whose keywords it has; all when it says nothing.
[[nodiscard]] std::vector<std::string_view> types_of(const json::object& schema);

// Whether surely no value is valid for both: their types differ, or their values (enum, const), or the values of a
// property that both require.
[[nodiscard]] bool exclude_each_other(const json::object& a, const json::object& b);

}  // namespace docmind::engine
