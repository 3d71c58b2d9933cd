// Resume point: where a text that is held in part exactly, in part sealed, can go on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "kv/layout.h"

namespace docmind::kv {

// Whether the tokens of a page before `end` are held exactly.
using ExactPages = std::function<bool(int64_t page, int64_t end)>;

// The largest number of tokens up to `n` that the next token can follow: within a page only where it is exact;
// `all_exact`: and only where all pages that the next token reads exactly are.
[[nodiscard]] int64_t resume_point(const Layout& layout, int64_t n, bool all_exact, const ExactPages& is_exact);

}  // namespace docmind::kv
