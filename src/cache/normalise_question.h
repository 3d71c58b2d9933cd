// The form of a question by which the exact answer cache compares; not for display or retrieval.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace docmind::cache {

// Two questions get one form only when they differ in ways that carry no meaning:
// - white space is trimmed and each run of it becomes one space; Unicode is brought to NFC;
// - a capital at the start of a word becomes small, in words of letters with no other capital
//   ("What" = "what", "Turkey" = "turkey"; but "IT", "US", "mW", "GiB", "K" and "M3" stay);
// - question marks, full stops and exclamation marks at the end go when they follow a letter, a
//   digit or a quotation mark; exclamation marks only after a letter ("5!" stays).
// ß and ss, digits and other signs are never equated. Bytes that are not UTF-8 come back trimmed of
// ASCII space and otherwise as they are. Takes time linear in the length.
[[nodiscard]] std::string normalise_question(std::string_view question);

}  // namespace docmind::cache
