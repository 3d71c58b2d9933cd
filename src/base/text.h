// Text helpers: UTF-8, case folding, names that are nearly right, numbers for people.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace docmind {

[[nodiscard]] bool is_valid_utf8(std::string_view text);
// Each invalid sequence becomes U+FFFD; `n_replaced` counts them if given.
[[nodiscard]] std::string to_valid_utf8(std::string_view text, size_t* n_replaced = nullptr);
// The largest position <= pos that does not split a UTF-8 sequence.
[[nodiscard]] size_t utf8_floor(std::string_view text, size_t pos);

// Columns on a terminal (East Asian wide characters count two, combining marks none).
[[nodiscard]] size_t display_width(std::string_view text);
// At most `max_columns` wide, with an ellipsis when something was cut off.
[[nodiscard]] std::string ellipsize(std::string_view text, size_t max_columns);
// Safe to print: control characters (ESC, newline, C1) become \n, \x1b, ...; invalid bytes U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);

// Unicode NFKC_Casefold: equal for texts that differ in case or in compatibility forms.
[[nodiscard]] std::string fold_case(std::string_view text);
// Without ASCII white space at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`, in bytes.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);
// The nearest of `names` if it is near enough to be meant.
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view wanted,
                                                           std::span<const std::string_view> names);

[[nodiscard]] std::string format_bytes(int64_t n_bytes);  // "1.4 MiB"
[[nodiscard]] std::string format_ms(double ms);           // "0.42 ms", "1.3 s", "2 min 5 s"
[[nodiscard]] std::string format_count(int64_t n);        // "12,345"
// "1 file", "2 files".
[[nodiscard]] std::string format_count(int64_t n, std::string_view noun);

}  // namespace docmind
