// The full-text search against BM25F computed by hand, and its tokenizer against WordAnalyzer.
// SPDX-License-Identifier: Apache-2.0
#include "index/lexical_search.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <map>
#include <set>

#include "base/words.h"
#include "index/store_samples.h"
#include "support/temp_folder.h"

namespace docmind::index {
namespace {

using test::must;
using Stems = std::vector<std::string>;

Stems stems_of(std::string_view text) {
  WordAnalyzer analyzer;
  Stems stems;
  for (const Word& word : analyzer.analyze(text)) stems.emplace_back(word.stem);
  return stems;
}

// A few common words and many rare ones, so that both ways of reading lengths are taken.
std::string any_text(int max_words) {
  std::string text;
  for (int i = *rc::gen::inRange(0, max_words); i > 0; --i) {
    const int word = *rc::gen::inRange(0, 60);
    text += (word < 6 ? "common" : "rare") + std::to_string(word) + " ";
  }
  return text;
}

struct Fields {
  Stems title;
  Stems heading;
  Stems text;
};

size_t occurrences(const Stems& field, const Stems& phrase) {
  size_t n = 0;
  for (size_t at = 0; !phrase.empty() && at + phrase.size() <= field.size(); ++at) {
    n += std::equal(phrase.begin(), phrase.end(), field.begin() + static_cast<ptrdiff_t>(at)) ? 1 : 0;
  }
  return n;
}

double frequency(const Fields& fields, const Stems& phrase, const LexicalOptions& options) {
  return options.title_weight * static_cast<double>(occurrences(fields.title, phrase)) +
         options.heading_weight * static_cast<double>(occurrences(fields.heading, phrase)) +
         options.text_weight * static_cast<double>(occurrences(fields.text, phrase));
}

double length(const Fields& fields, const LexicalOptions& options) {
  return options.title_weight * static_cast<double>(fields.title.size()) +
         options.heading_weight * static_cast<double>(fields.heading.size()) +
         options.text_weight * static_cast<double>(fields.text.size());
}

// Robertson and Zaragoza (2009), with the always positive idf.
std::map<int64_t, double> naive_scores(const std::map<int64_t, Fields>& chunks,
                                       const std::vector<LexicalTerm>& terms,
                                       const LexicalOptions& options) {
  const auto n = static_cast<double>(chunks.size());
  double average = 0;
  for (const auto& [id, fields] : chunks) average += length(fields, options) / n;
  std::map<int64_t, double> scores;
  for (const LexicalTerm& term : terms) {
    const Stems phrase = stems_of(term.word);
    double df = 0;
    for (const auto& [id, fields] : chunks) {
      const size_t hits = occurrences(fields.title, phrase) + occurrences(fields.heading, phrase) +
                          occurrences(fields.text, phrase);
      df += hits > 0 ? 1 : 0;
      if (hits > 0) scores.try_emplace(id, 0.0);
    }
    const double idf = std::log(1 + (n - df + 0.5) / (df + 0.5));
    for (auto& [id, score] : scores) {
      const double tf = frequency(chunks.at(id), phrase, options);
      const double norm =
          options.k1 * (1 - options.b + options.b * length(chunks.at(id), options) / average);
      if (tf > 0) score += term.weight * idf * tf * (options.k1 + 1) / (tf + norm);
    }
  }
  return scores;
}

TEST(LexicalSearchProperty, AgreesWithBm25ComputedByHand) {
  const test::TempFolder folder;
  const StoreWriter writer = must(StoreWriter::open(folder.path("s"), {}));
  must(writer.reader().db().exec("PRAGMA synchronous=OFF"));  // many small commits
  EXPECT_TRUE(rc::check("same chunks, same scores, best first", [&] {
    {
      WriteBatch batch = must(writer.begin());
      for (const DocumentRecord& old : must(writer.reader().documents_below(""))) {
        must(batch.remove_document(old.id));
      }
      for (int i = *rc::gen::inRange(1, 20); i > 0; --i) {
        must(batch.put_document(test::sample_document("/" + std::to_string(i)), any_text(4),
                                test::sample_chunks({any_text(12), any_text(12)}, any_text(4))));
      }
      must(batch.commit());
    }
    std::map<int64_t, Fields> chunks;
    must(writer.reader().visit_chunks(0, [&](int64_t id, std::string_view title,
                                             std::string_view heading, std::string_view text) {
      chunks[id] = {stems_of(title), stems_of(heading), stems_of(text)};
      return true;
    }));
    std::vector<LexicalTerm> terms;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      std::string word = any_text(3);
      terms.push_back({word, *rc::gen::inRange(1, 9) / 4.0});
    }
    const LexicalOptions options{.k1 = *rc::gen::inRange(1, 30) / 10.0,
                                 .b = *rc::gen::inRange(0, 11) / 10.0,
                                 .title_weight = *rc::gen::inRange(1, 12) / 4.0,
                                 .heading_weight = *rc::gen::inRange(1, 12) / 4.0};
    const LexicalSearcher searcher = must(LexicalSearcher::create(writer.reader()));
    const auto hits = must(searcher.search(terms, options, 1'000));
    const auto expected = naive_scores(chunks, terms, options);
    RC_ASSERT(hits.size() == expected.size());
    for (size_t i = 0; i < hits.size(); ++i) {
      const auto known = expected.find(hits[i].chunk_id);
      RC_ASSERT(known != expected.end());
      RC_ASSERT(std::fabs(hits[i].score - known->second) <= 1e-9 * (1 + known->second));
      if (i == 0) continue;
      const bool in_order = hits[i - 1].score > hits[i].score ||
                            (hits[i - 1].score == hits[i].score && hits[i - 1].chunk_id < hits[i].chunk_id);
      RC_ASSERT(in_order);
    }
    const auto best = must(searcher.search(terms, options, 3));
    for (size_t i = 0; i < best.size(); ++i) RC_ASSERT(best[i].chunk_id == hits[i].chunk_id);
  }));
}

// WordAnalyzer promises the words of SQLite's tokenizer: what it calls a stem must be found there.
TEST(WordAnalyzerProperty, GivesTheTermsOfTheFullTextIndex) {
  const test::TempFolder folder;
  const Database db = must(Database::open(folder.path("t.db"), Database::Mode::kCreate));
  must(db.exec("CREATE VIRTUAL TABLE f USING fts5(t, tokenize='porter unicode61 remove_diacritics 2');"
               "CREATE VIRTUAL TABLE v USING fts5vocab(f, 'instance');"));
  EXPECT_TRUE(rc::check("same stems in the same order", [&] {
    std::string text;
    for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(
             rc::gen::element<std::string>(
                 "run", "ning", "ation", "al", "pies", "e", "ment", "X", "Y", "0", "42", " ", " ", "-", "_",
                 "'", "\n", "\u00e9", "\u00c9", "\u00fc", "\u00df", "\u0130", "\u0131", "\u01c5",
                 "\u1ebf", "\u1ea0", "\u0141", "\u00d8", "\u00c6", "e\u0301", "\u0301", "\u0327",
                 "\u03a3", "\u03c2", "\u03ac", "\u0391", "\u0416", "\u0439", "\u05d0\u05b8", "\u0628",
                 "\u064e", "\u0915\u094d\u0937", "\u093f", "\u0e01\u0e34", "\u4e2d", "\u3042", "\uac00",
                 "\uff21", "\u00aa", "\u00b2", "\u00bd", "\u2160", "\u2014", "\u20ac", "\u00a0",
                 "\u200d", "\U0001d400", "\U0001f600", "\ufb01", "\u212a", "\u2126", "\ue000"))) {
      text += piece;
    }
    Statement insert = must(db.prepare("INSERT OR REPLACE INTO f(rowid, t) VALUES(1, ?1)"));
    must(insert.bind(1, std::string_view(text)).run());
    Statement select = must(db.prepare("SELECT term FROM v ORDER BY offset"));
    Stems terms;
    while (must(select.step())) terms.emplace_back(select.column_text(0));
    const Stems stems = stems_of(text);
    if (stems != terms) {
      std::string message = "'" + text + "':";
      for (const std::string& stem : stems) message += " " + stem;
      message += " | fts5:";
      for (const std::string& term : terms) message += " " + term;
      RC_FAIL(message);
    }
  }));
}

}  // namespace
}  // namespace docmind::index
