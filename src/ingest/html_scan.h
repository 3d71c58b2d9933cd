// Two plain scans of HTML bytes: the declared charset, and a tag stripper for hopeless markup.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/html_collector.h"

namespace docmind::ingest {

// The encoding named by <meta charset>, <meta http-equiv> or <?xml encoding?> in the first 4 KiB.
[[nodiscard]] std::string declared_charset(std::string_view bytes);

// Sends the text between tags to `collector`, breaking at block tags only and skipping scripts and
// styles. Keeps no stack, so nesting costs nothing. `line` is the source line of the first byte.
void strip_tags(std::string_view html, uint32_t line, HtmlCollector& collector);

}  // namespace docmind::ingest
