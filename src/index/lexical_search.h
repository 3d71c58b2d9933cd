// LexicalSearcher: weighted BM25F over the full-text index.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "index/store_reader.h"
#include "index/types.h"

namespace docmind::index {

// One query word; the index's tokenizer folds and stems it.
struct LexicalTerm {
  std::string word;
  double weight = 1.0;
};

// BM25F (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009): term frequencies
// of the fields are added with these weights before saturation by k1; b normalises by length.
struct LexicalOptions {
  double k1 = 1.2;
  double b = 0.75;
  double title_weight = 3.0;
  double heading_weight = 2.0;
  double text_weight = 1.0;
};

// Uses the reader's connection: same thread rule. The reader must outlive it.
class LexicalSearcher {
 public:
  // Registers the scoring function with the connection.
  static Result<LexicalSearcher> create(const StoreReader& reader);

  // Chunks that hold any of the terms, best first, ties by id, at most `k`. Terms that the
  // tokenizer reduces to nothing are passed over; no term left gives no hits.
  Result<std::vector<ScoredChunk>> search(std::span<const LexicalTerm> terms,
                                          const LexicalOptions& options, size_t k) const;

  // In how many chunks a stem (already folded and stemmed) occurs; 0 when nowhere.
  Result<int64_t> document_frequency(std::string_view stem) const;

 private:
  explicit LexicalSearcher(const Database& db) : db_(&db) {}
  const Database* db_;
};

}  // namespace docmind::index
