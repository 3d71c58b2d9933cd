// Cuts a document into chunks at the best boundaries near a target size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "ingest/document.h"

namespace docmind::ingest {

// Sizes in bytes of UTF-8 text. A chunk closes at a heading once it holds `min_bytes`, otherwise at
// the strongest boundary (heading, blank line, line, sentence, word) before `target_bytes`, and
// never exceeds `max_bytes`. A section smaller than `min_bytes` joins the next one under the same
// parent, or the text before it under the parent itself; where neither fits it stays alone. A
// heading stays with the text after it. Values out of order are moved to the nearest that are not.
struct ChunkOptions {
  uint32_t min_bytes = 400;
  uint32_t target_bytes = 1'800;
  uint32_t max_bytes = 2'600;
};

// The chunks of `document` in order; empty for an empty text. Deterministic, linear time, no shared
// state. A chunk's heading path is that of its first text, at most 1,000 bytes: outer titles are
// left out first.
[[nodiscard]] std::vector<Chunk> chunk_document(const Document& document,
                                                const ChunkOptions& options);

}  // namespace docmind::ingest
