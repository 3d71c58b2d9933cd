// LexicalSearcher: weighted BM25F over the full-text index.
// SPDX-License-Identifier: Apache-2.0
#include "index/lexical_search.h"

#include "index/bm25_function.h"

namespace docmind::index {
namespace {

// A word as an FTS5 string: quoted, so that no character of it is query syntax.
void append_quoted(std::string& query, std::string_view word) {
  query.push_back('"');
  for (const char c : word) {
    if (c == '"') query.push_back('"');
    query.push_back(c == '\0' ? ' ' : c);  // a separator, as it is in a text
  }
  query.push_back('"');
}

}  // namespace

Result<LexicalSearcher> LexicalSearcher::create(const StoreReader& reader) {
  DM_TRY(register_bm25(reader.db()));
  DM_TRY(reader.db().exec("CREATE VIRTUAL TABLE IF NOT EXISTS temp.chunk_terms "
                          "USING fts5vocab(main, chunk_fts, row)"));
  return LexicalSearcher(reader.db());
}

Result<std::vector<ScoredChunk>> LexicalSearcher::search(std::span<const LexicalTerm> terms,
                                                         const LexicalOptions& options,
                                                         size_t k) const {
  Bm25Query query;
  query.options = options;
  std::string match;
  for (const LexicalTerm& term : terms) {
    // A word without a token is an empty phrase: it finds nothing, but FTS5 counts it among the
    // phrases, so the weights of those after it stay in step (docmind_bm25 checks).
    if (!match.empty()) match += " OR ";
    append_quoted(match, term.word);
    query.phrase_weights.push_back(term.weight);
  }
  std::vector<ScoredChunk> hits;
  if (match.empty() || k == 0) return hits;
  DM_ASSIGN(Statement statement,
            db_->prepare(std::string("SELECT rowid, ") + kBm25Function +
                         "(chunk_fts, ?1) AS score FROM chunk_fts WHERE chunk_fts MATCH ?2 "
                         "ORDER BY score DESC, rowid LIMIT ?3"));
  statement.bind_pointer(1, &query, kBm25PointerType);
  statement.bind(2, std::string_view(match)).bind(3, static_cast<int64_t>(k));
  while (true) {
    DM_ASSIGN(const bool row, statement.step());
    if (!row) return hits;
    hits.push_back({statement.column_int(0), statement.column_double(1)});
  }
}

Result<int64_t> LexicalSearcher::document_frequency(std::string_view stem) const {
  DM_ASSIGN(Statement statement, db_->prepare("SELECT doc FROM temp.chunk_terms WHERE term=?1"));
  statement.bind(1, stem);
  DM_ASSIGN(const bool row, statement.step());
  return row ? statement.column_int(0) : int64_t{0};
}

}  // namespace docmind::index
