// Page check: whether the bytes of a sealed page are laid out as the cache's own would be.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "kv/layout.h"

namespace docmind::kv {

// Bytes of a page's header and layers; less than Layout::page_bytes() only in `mixed`.
[[nodiscard]] size_t used_page_bytes(const Layout& layout, const std::byte* page);

// Of bytes from outside: every layer lies where it must, has bits that the format may have, and the last
// ends with the bytes.
[[nodiscard]] bool is_page(const Layout& layout, std::span<const std::byte> bytes);

}  // namespace docmind::kv
