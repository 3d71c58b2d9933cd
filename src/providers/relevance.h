// Relevance: how much of a question's content a text covers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"

namespace docmind::providers {

// Inverse document frequency of a stem in the corpus; a stem that does not occur has the largest
// value. Must be callable from any thread at once.
using IdfFunction = std::function<double(std::string_view stem)>;

// The content words of one question, weighted by how rare they are. Immutable after construction:
// any number of threads may use one object.
class Relevance {
 public:
  struct Term {
    std::string stem;
    double weight = 0;  // share of the question, the sum over all terms being 1
  };

  // Stop words count only when the question has no other words; words such as "explain", which ask
  // instead of naming the subject, count little. At most kMaxTerms distinct words are used.
  Relevance(std::string_view question, const IdfFunction& idf);
  static constexpr size_t kMaxTerms = 48;

  [[nodiscard]] std::span<const Term> terms() const { return terms_; }

  // Weighted share, 0..1, of the question that occurs in any of the texts (passage, heading,
  // title). A word that nothing covers counts in full, known to the corpus or not; a part of a
  // compound ("vacuum" for "autovacuum") or a slip of one letter gets half its credit.
  // `analyzer` is the calling thread's.
  [[nodiscard]] double coverage(WordAnalyzer& analyzer,
                                std::initializer_list<std::string_view> texts) const;

  // The same in steps, for callers that combine texts. `credits` [terms().size()], each 0..1, is
  // raised to what the word or text earns; share() weighs it.
  void credit(const Word& word, std::span<double> credits) const;
  void credit(WordAnalyzer& analyzer, std::string_view text, std::span<double> credits) const;
  [[nodiscard]] double share(std::span<const double> credits) const;

 private:
  std::vector<Term> terms_;
};

}  // namespace docmind::providers
