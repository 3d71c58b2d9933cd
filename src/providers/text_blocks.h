// Divides extracted document text into blocks: prose, list items, table rows, code, headings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace docmind::providers {

enum class BlockKind : uint8_t { kProse, kItem, kTable, kCode, kHeading };

// [begin, end) in bytes of the text, without white space at its ends. A prose block or list item
// may hold single line ends where its source was wrapped; a code block holds whole lines.
struct TextBlock {
  size_t begin = 0;
  size_t end = 0;
  BlockKind kind = BlockKind::kProse;
};

// The blocks in order; every visible character is in exactly one. Judges by form alone (markers,
// line lengths, symbols), since extracted text keeps nothing else of its markup. Linear time.
[[nodiscard]] std::vector<TextBlock> split_blocks(std::string_view text);

// Length of the list marker ("- ", "2. ", "• ") with its white space at the start of `text`, or 0.
[[nodiscard]] size_t item_marker_length(std::string_view text);

// Whether the line opens or closes a fenced code block (``` or ~~~).
[[nodiscard]] bool is_fence(std::string_view line);

}  // namespace docmind::providers
