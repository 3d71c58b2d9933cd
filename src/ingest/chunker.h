// Cuts a document into chunks at the best boundaries near a target size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "ingest/document.h"

namespace docmind::ingest {

// Sizes in bytes of UTF-8 text. A chunk closes at a heading once it holds `min_bytes`, otherwise at
// the strongest boundary (heading, blank line, line, sentence, word) before `target_bytes`, and
// never exceeds `max_bytes`.
struct ChunkOptions {
  uint32_t min_bytes = 400;
  uint32_t target_bytes = 1'800;
  uint32_t max_bytes = 2'600;
};

// The chunks of `document` in order; empty for an empty text. Deterministic.
[[nodiscard]] std::vector<Chunk> chunk_document(const Document& document,
                                                const ChunkOptions& options);

}  // namespace docmind::ingest
