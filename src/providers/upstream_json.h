// Reading the JSON of other servers, in which anything may be missing or of another type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace docmind::providers {

// The member of an object, and on through `path`; null when it is not there.
[[nodiscard]] const json::value* json_at(const json::value& value, std::initializer_list<std::string_view> path);
[[nodiscard]] std::string_view json_text(const json::value& value, std::initializer_list<std::string_view> path);
// Whole numbers from 0 on, also where they are written as floating-point ones.
[[nodiscard]] std::optional<int64_t> json_count(const json::value& value,
                                                std::initializer_list<std::string_view> path);
[[nodiscard]] const json::array* json_list(const json::value& value, std::initializer_list<std::string_view> path);
[[nodiscard]] bool json_true(const json::value& value, std::initializer_list<std::string_view> path);
// Any number; none for the rest, infinities included.
[[nodiscard]] std::optional<double> json_number(const json::value& value);

// What a server says about a failure: "error.message", "error", "message" or "detail" of a JSON body, else the text
// itself without tags; empty when there is nothing to read.
[[nodiscard]] std::string said_by_server(std::string_view body);

}  // namespace docmind::providers
