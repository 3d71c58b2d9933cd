// Splits passages of extracted document text into sentences.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "providers/text_blocks.h"

namespace docmind::providers {

// [begin, end) in bytes of the passage, without white space at its ends; never splits a UTF-8
// sequence of valid text. A code block, a table row and a heading are one sentence each.
struct Sentence {
  size_t begin = 0;
  size_t end = 0;
  BlockKind kind = BlockKind::kProse;
  uint32_t block = 0;  // sentences of one paragraph or list item have the same number
};

// The sentences in order; every visible character is in exactly one. Hard-wrapped lines do not end
// a sentence; "e.g.", "Fig. 3", "1.2.3" and initials do not either.
[[nodiscard]] std::vector<Sentence> split_sentences(std::string_view text);

}  // namespace docmind::providers
