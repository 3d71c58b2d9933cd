// Reading and parsing the small text files of /proc and /sys, with every number checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::monitor {

// The first `limit_bytes` of a file whose size is not known before it is read, as in /proc.
Result<std::string> read_proc(const std::string& path, size_t limit_bytes);

// The text after `key` and ':' in the first line that starts with it, spaces around it cut off;
// nullopt when there is no such line. "VmRSS" finds "VmRSS:\t  1234 kB".
std::optional<std::string_view> find_field(std::string_view text, std::string_view key);

// A whole non-negative decimal number without sign or unit; kMalformed names `what` otherwise.
Result<int64_t> parse_count(std::string_view digits, std::string_view what);

// The field as a number of bytes; its unit must be kB, as everywhere in /proc.
Result<int64_t> parse_kb_field(std::string_view text, std::string_view key);

}  // namespace docmind::monitor
