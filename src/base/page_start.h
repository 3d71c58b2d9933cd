// PageStart: where another page begins within a piece of text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind {

// `offset` in bytes from the begin of the piece. Stored as it is: see chunks.page_starts.
struct PageStart {
  uint32_t offset = 0;
  uint32_t page = 0;
  bool operator==(const PageStart&) const = default;
};
static_assert(sizeof(PageStart) == 8);

}  // namespace docmind
