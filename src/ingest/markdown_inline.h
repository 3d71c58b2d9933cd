// Inline Markdown to reading text: links, images, emphasis, escapes, entities, HTML tags.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace docmind::ingest {

// Labels of link reference definitions, lower case.
using LinkLabels = std::set<std::string, std::less<>>;

// The label as references compare it: lower-case ASCII, white space collapsed.
[[nodiscard]] std::string link_label(std::string_view label);

// One line outside code blocks as a person reads it. Code spans stay as they are. Linear time.
[[nodiscard]] std::string clean_markdown_line(std::string_view line, const LinkLabels& labels);

}  // namespace docmind::ingest
