// Fuzzes a question on its way through the full-text index: never an error, never a wrong chunk.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "base/text.h"
#include "base/words.h"
#include "fuzz/check.h"
#include "index/lexical_search.h"
#include "index/store_writer.h"
#include "pipeline/hybrid_search.h"

namespace docmind::fuzz {
namespace {

constexpr std::string_view kTexts[] = {
    "A partial index covers the rows that satisfy its predicate. CREATE INDEX ... WHERE done;",
    "Autovacuum removes dead tuples; heap-only tuples (HOT) need no new index entries.",
    "Caf\u00e9 na\u00efve \u00fcber \u0130stanbul \u4e2d\u6587 "
    "\u0440\u0443\u0441\u0441\u043a\u0438\u0439 x86_64 C++ 3.14 don't AND OR NOT NEAR"};

template <typename T>
T must(Result<T> result) {
  require(result.ok(), result.ok() ? "" : result.error().message);
  return std::move(result).value();
}

// A store with a few chunks in a folder of its own, made once and removed at exit.
class SmallStore {
 public:
  SmallStore() {
    char pattern[] = "/tmp/fuzz_query_XXXXXX";
    require(::mkdtemp(pattern) != nullptr, "a temporary folder can be made");
    folder_ = pattern;
    writer_ = std::make_unique<index::StoreWriter>(must(index::StoreWriter::open(folder_, {})));
    index::WriteBatch batch = must(writer_->begin());
    for (const std::string_view text : kTexts) {
      index::DocumentRecord record;
      record.path = "/" + std::to_string(text.size());
      record.format = "text";
      index::NewChunk chunk;
      chunk.end = static_cast<uint32_t>(text.size());
      chunk.text = text;
      require(batch.put_document(record, "manual", {&chunk, 1}).ok(), "a document is stored");
    }
    require(batch.commit().ok(), "the documents are committed");
    lexical_ = std::make_unique<index::LexicalSearcher>(
        must(index::LexicalSearcher::create(writer_->reader())));
  }
  ~SmallStore() {
    lexical_.reset();
    writer_.reset();
    std::filesystem::remove_all(folder_);
  }

  const index::LexicalSearcher& lexical() const { return *lexical_; }
  const index::StoreReader& reader() const { return writer_->reader(); }

 private:
  std::string folder_;
  std::unique_ptr<index::StoreWriter> writer_;
  std::unique_ptr<index::LexicalSearcher> lexical_;
};

std::vector<std::string> stems_of(std::string_view text) {
  WordAnalyzer analyzer;
  std::vector<std::string> stems;
  for (const Word& word : analyzer.analyze(text)) stems.emplace_back(word.stem);
  return stems;
}

bool holds(const std::vector<std::string>& stems, const std::vector<std::string>& phrase) {
  return !phrase.empty() && std::search(stems.begin(), stems.end(), phrase.begin(),
                                        phrase.end()) != stems.end();
}

// The chunks that a single term finds are those whose words, as WordAnalyzer sees them, hold it.
void check_term(const SmallStore& store, const index::LexicalTerm& term) {
  const std::vector<std::string> wanted = stems_of(term.word);
  std::set<int64_t> expected;
  require(store.reader()
              .visit_chunks(0,
                            [&](int64_t id, std::string_view title, std::string_view,
                                std::string_view text) {
                              for (const std::string_view field : {title, text}) {
                                if (holds(stems_of(field), wanted)) expected.insert(id);
                              }
                              return true;
                            })
              .ok(),
          "the chunks can be read");
  std::set<int64_t> found;
  for (const index::ScoredChunk& hit : must(store.lexical().search({&term, 1}, {}, 100))) {
    require(std::isfinite(hit.score) && hit.score > 0, "a score is a positive number");
    found.insert(hit.chunk_id);
  }
  require(found == expected, "a term finds the chunks that hold it");
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace docmind;
  static const fuzz::SmallStore store;
  const std::string_view question = fuzz::as_text(data, size);
  const pipeline::LexicalQuery query = pipeline::make_lexical_query(question, 0.2);
  fuzz::require(query.n_words <= query.terms.size(), "words are among the terms");
  (void)fuzz::must(store.lexical().search(query.terms, {}, 100));
  // The question as one term: no character of it is query syntax.
  (void)fuzz::must(store.lexical().search(
      std::vector<index::LexicalTerm>{{.word = std::string(question), .weight = 1}}, {}, 100));
  if (!is_valid_utf8(question)) return 0;
  constexpr size_t kMaxTerms = 4;
  for (size_t i = 0; i < std::min(query.terms.size(), kMaxTerms); ++i) {
    fuzz::check_term(store, query.terms[i]);
  }
  return 0;
}
