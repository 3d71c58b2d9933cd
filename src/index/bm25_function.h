// The FTS5 auxiliary function behind LexicalSearcher.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/error.h"
#include "base/sqlite.h"
#include "index/lexical_search.h"

namespace docmind::index {

inline constexpr const char* kBm25Function = "docmind_bm25";
inline constexpr const char* kBm25PointerType = "docmind_bm25_query";

// What the function gets as its argument, by pointer: one weight a phrase, in query order.
struct Bm25Query {
  LexicalOptions options;
  std::vector<double> phrase_weights;
};

// Registers `docmind_bm25(chunk_fts, pointer)` on a connection; harmless when done twice.
Status register_bm25(const Database& db);

}  // namespace docmind::index
