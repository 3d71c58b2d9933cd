// Where running text is best cut: at blank lines, lines, sentences or words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace docmind::ingest {

// Offsets into a text, with begin <= floor, begin <= least <= low <= target <= end < text size.
struct CutWindow {
  uint32_t begin = 0;   // the piece to be cut starts here
  uint32_t floor = 0;   // a cut must lie after this
  uint32_t least = 0;   // a cut before this makes too small a piece
  uint32_t low = 0;     // [low, target] is where a cut is wanted
  uint32_t target = 0;
  uint32_t end = 0;     // the last place for a cut
};

// The strongest boundary in [low, target], the last of several equal ones; else in [least, low);
// else the first in (target, end]; else the last code point boundary in (floor, end]. A cut lies
// after the white space that separates the pieces. Reads no more than the window.
[[nodiscard]] uint32_t best_cut(std::string_view text, const CutWindow& window);

}  // namespace docmind::ingest
