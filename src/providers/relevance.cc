// Relevance: how much of a question's content a text covers.
// SPDX-License-Identifier: Apache-2.0
#include "providers/relevance.h"

#include <algorithm>
#include <array>

namespace docmind::providers {
namespace {

constexpr double kNearCredit = 0.5;
constexpr double kAskingWeight = 0.2;

// Stems of words that ask for something instead of naming it.
constexpr std::array<std::string_view, 25> kAsking = {
    "make",    "get",     "give",    "tell",
    "explain", "describ", "mean",    "know",     "want",   "need", "help",
    "show",    "thing",   "possibl", "question", "answer", "way",  "differ",
    "purpos",  "happen",  "exactli", "use",      "see",    "find", "work"};

bool is_asking(std::string_view stem) {
  return std::find(kAsking.begin(), kAsking.end(), stem) != kAsking.end();
}

bool has_digit(std::string_view stem) {
  return std::any_of(stem.begin(), stem.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether one letter added, left out, changed or swapped with its neighbour makes `a` into `b`.
bool within_one_slip(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  size_t same = 0;
  while (same < a.size() && a[same] == b[same]) ++same;
  const std::string_view rest_a = a.substr(same);
  const std::string_view rest_b = b.substr(same);
  if (a.size() < b.size()) return rest_b.substr(1) == rest_a;
  if (rest_a.size() < 2) return true;
  if (rest_a.substr(1) == rest_b.substr(1)) return true;
  return rest_a[0] == rest_b[1] && rest_a[1] == rest_b[0] && rest_a.substr(2) == rest_b.substr(2);
}

// Whether `part` is one end of `whole` and most of it.
bool is_main_part(std::string_view part, std::string_view whole) {
  constexpr size_t kShortest = 4;
  return part.size() >= kShortest && 2 * part.size() >= whole.size() &&
         (whole.starts_with(part) || whole.ends_with(part));
}

bool nearly_same(std::string_view stem, std::string_view term) {
  constexpr size_t kShortestSlip = 6;  // shorter words differ by one letter too often
  if (stem.size() < 4 || term.size() < 4) return false;
  if (stem.size() < term.size() ? is_main_part(stem, term) : is_main_part(term, stem)) return true;
  if (stem.size() < kShortestSlip || term.size() < kShortestSlip) return false;
  return stem[0] == term[0] && !has_digit(stem) && !has_digit(term) && within_one_slip(stem, term);
}

}  // namespace

Relevance::Relevance(std::string_view question, const IdfFunction& idf) {
  WordAnalyzer analyzer;
  const std::vector<Word> words = analyzer.analyze(question);
  const bool all_stop =
      std::all_of(words.begin(), words.end(), [](const Word& word) { return word.stop; });
  double total = 0;
  for (const Word& word : words) {
    if (terms_.size() == kMaxTerms) break;
    if (word.stem.empty() || (word.stop && !all_stop)) continue;
    const bool known = std::any_of(terms_.begin(), terms_.end(),
                                   [&](const Term& term) { return term.stem == word.stem; });
    if (known) continue;
    constexpr double kLeastIdf = 0.05;  // a word that is everywhere still names something
    const double weight = std::max(idf(word.stem), kLeastIdf);
    terms_.push_back(
        {std::string(word.stem), is_asking(word.stem) ? kAskingWeight * weight : weight});
    total += terms_.back().weight;
  }
  for (Term& term : terms_) term.weight /= total;
}

void Relevance::credit(const Word& word, std::span<double> credits) const {
  for (size_t i = 0; i < terms_.size(); ++i) {
    if (credits[i] >= 1) continue;
    if (terms_[i].stem == word.stem) {
      credits[i] = 1;
    } else if (credits[i] < kNearCredit && nearly_same(word.stem, terms_[i].stem)) {
      credits[i] = kNearCredit;
    }
  }
}

void Relevance::credit(WordAnalyzer& analyzer, std::string_view text,
                       std::span<double> credits) const {
  for (const Word& word : analyzer.analyze(text)) credit(word, credits);
}

double Relevance::share(std::span<const double> credits) const {
  double sum = 0;
  for (size_t i = 0; i < terms_.size(); ++i) sum += terms_[i].weight * credits[i];
  return std::min(sum, 1.0);
}

double Relevance::coverage(WordAnalyzer& analyzer,
                           std::initializer_list<std::string_view> texts) const {
  std::vector<double> credits(terms_.size(), 0.0);
  for (const std::string_view text : texts) credit(analyzer, text, credits);
  return share(credits);
}

}  // namespace docmind::providers
