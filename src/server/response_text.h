// What responses are made of: ids, times, JSON strings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace docmind::server {

// "chatcmpl-" and 24 random letters and digits.
[[nodiscard]] std::string new_id(std::string_view prefix);
[[nodiscard]] uint64_t random_seed();
// Appends `text` as a JSON string, with its quotes.
void append_json_string(std::string& out, std::string_view text);
// "2026-11-27T00:24:11.123456Z"
[[nodiscard]] std::string rfc3339(int64_t unix_us);
[[nodiscard]] int64_t unix_time_us();

}  // namespace docmind::server
