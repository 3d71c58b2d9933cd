// find_evidence: the sentences of the passages that the sentences of a written answer stand on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "providers/provider.h"

namespace docmind::providers {

// For each sentence before a mark "[n]", the sentence of passage n that shares most of its words, if
// it shares enough of them to be what was meant. In order of use, each span once. Judges by words:
// an answer in another language than its passages has none.
[[nodiscard]] std::vector<Evidence> find_evidence(std::string_view answer,
                                                  std::span<const Passage> passages);

// The same for an answer without marks: for each sentence the best of all passages, where it is a
// clear one.
[[nodiscard]] std::vector<Evidence> find_uncited_evidence(std::string_view answer,
                                                          std::span<const Passage> passages);

}  // namespace docmind::providers
