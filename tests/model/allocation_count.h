// n_allocations: how often operator new was called in this binary.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::test {

[[nodiscard]] int64_t n_allocations();  // on all threads

}  // namespace docmind::test
