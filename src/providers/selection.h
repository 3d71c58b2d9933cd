// Selection: which candidate sentences make the answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "providers/candidates.h"

namespace docmind::providers {

struct SelectionLimits {
  double min_support = 0.5;
  size_t max_sentences = 4;
  size_t max_words = 512;
};

// Indices into set.candidates, the best first; empty when none answers. The first may be longer
// than max_words. Each further one must add something: words of the question not yet covered, or a
// nearly equal answer in other words. A lone short one is followed by the next of its paragraph.
[[nodiscard]] std::vector<size_t> select_sentences(const CandidateSet& set,
                                                   const Relevance& relevance,
                                                   const SelectionLimits& limits);

}  // namespace docmind::providers
