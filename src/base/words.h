// WordAnalyzer: text to stemmed words, the same way as the full-text index does it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct sb_stemmer;

namespace docmind {

// One word of a text. `source` is borrowed from the text, `stem` from the analyzer until its next
// call.
struct Word {
  std::string_view source;
  size_t offset = 0;       // of `source` in the text, in bytes
  std::string_view stem;   // folded to lower case without accents, then Porter's stem
  bool stop = false;       // a function word or question word that says nothing about a topic
};

// Splits at everything that is neither letter nor digit (Unicode categories L, N, Co), folds case,
// removes accents of Latin letters and stems with Porter's algorithm (1980), as SQLite's tokenizer
// 'porter unicode61 remove_diacritics 2' does. Words that are not of English pass through Porter's
// rules harmlessly. One thread at a time; stems of words seen before come from a bounded table.
class WordAnalyzer {
 public:
  WordAnalyzer();
  ~WordAnalyzer();
  WordAnalyzer(const WordAnalyzer&) = delete;
  WordAnalyzer& operator=(const WordAnalyzer&) = delete;

  [[nodiscard]] std::vector<Word> analyze(std::string_view text);

 private:
  struct Entry {
    std::string stem;
    bool stop = false;
  };
  const Entry& entry_of(std::string_view source);

  struct DeleteStemmer {
    void operator()(sb_stemmer* stemmer) const;
  };
  std::unique_ptr<sb_stemmer, DeleteStemmer> stemmer_;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const;
  };
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;  // by source
};

// Whether a folded word is on the list of English stop words.
[[nodiscard]] bool is_stop_word(std::string_view folded);

}  // namespace docmind
