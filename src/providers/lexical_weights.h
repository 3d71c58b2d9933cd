// How the lexical embedder counts and weighs the terms of a text, in training and afterwards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/words.h"
#include "providers/lexical_embedder.h"

namespace docmind::providers {

struct TermCounts {
  std::vector<std::pair<std::string, uint32_t>> terms;  // sorted by stem; no stop words
  uint32_t n_words = 0;                                 // stop words included
};
[[nodiscard]] TermCounts count_terms(WordAnalyzer& analyzer, std::string_view text);

// ln(1 + (N - df + 0.5) / (df + 0.5)): always positive.
[[nodiscard]] double inverse_document_frequency(uint32_t document_frequency, size_t n_texts);

// BM25's weight of a term that occurs `count` times in a text of `n_words` words.
[[nodiscard]] double saturation(const LexicalParameters& parameters, uint32_t count,
                                uint32_t n_words, double average_length);

}  // namespace docmind::providers
