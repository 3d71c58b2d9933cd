// Resume point: from the page of the end backwards.
// SPDX-License-Identifier: Apache-2.0
#include "kv/resume_point.h"

#include <algorithm>

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageTokens;

bool reads_only_exact(const Layout& layout, int64_t n, const ExactPages& is_exact) {
  if (!is_exact(0, std::min(n, kKvPageTokens))) return false;
  for (int64_t page = layout.sealed_pages(n); page * kKvPageTokens < n; ++page) {
    if (!is_exact(page, std::min(n, (page + 1) * kKvPageTokens))) return false;
  }
  return true;
}

}  // namespace

int64_t resume_point(const Layout& layout, int64_t n, bool all_exact, const ExactPages& is_exact) {
  // Energies of queries belong to whole blocks.
  const int64_t last = kKvPageTokens - (layout.has_query_energy() ? kKvBlockTokens : 1);
  for (int64_t page = n / kKvPageTokens; page > 0 || n > 0; --page) {
    const int64_t begin = page * kKvPageTokens, within = std::min(n, begin + last);
    const int64_t end = is_exact(page, within) ? within : begin;
    if (!all_exact || reads_only_exact(layout, end, is_exact)) return end;
    if (page == 0) break;
  }
  return 0;
}

}  // namespace docmind::kv
