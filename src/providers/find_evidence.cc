// find_evidence: the sentences of the passages that the sentences of a written answer stand on.
// SPDX-License-Identifier: Apache-2.0
#include "providers/find_evidence.h"

#include <algorithm>

#include "base/words.h"
#include "providers/relevance.h"
#include "providers/sentences.h"

namespace docmind::providers {
namespace {

constexpr double kEnoughCited = 0.5;       // share of a sentence's words, where the model named the passage
constexpr double kEnoughUncited = 0.65;  // where it did not
constexpr size_t kMaxSentences = 64;  // of an answer that are looked at

// A sentence of the answer and the passages it names (from 0).
struct Claim {
  std::string_view sentence;
  std::vector<size_t> passages;
};

// The number and end of a mark at `at`; 0 when there is none.
size_t mark_at(std::string_view text, size_t at, size_t& end) {
  constexpr size_t kMaxDigits = 6;
  size_t number = 0;
  size_t i = at + 1;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && i - at <= kMaxDigits; ++i) {
    number = number * 10 + static_cast<size_t>(text[i] - '0');
  }
  if (text[at] != '[' || i >= text.size() || text[i] != ']') return 0;
  end = i + 1;
  return number;
}

// Each group of marks belongs to the sentences between it and the group before.
std::vector<Claim> claims_of(std::string_view answer, size_t n_passages) {
  std::vector<Claim> claims;
  size_t begin = 0;
  for (size_t at = 0; at < answer.size() && claims.size() < kMaxSentences;) {
    size_t end = at + 1;
    const size_t number = mark_at(answer, at, end);
    if (number == 0) {
      ++at;
      continue;
    }
    const std::string_view before = answer.substr(begin, at - begin);
    const size_t n_old = claims.size();
    for (const Sentence& sentence : split_sentences(before)) {
      claims.push_back({before.substr(sentence.begin, sentence.end - sentence.begin), {}});
    }
    // "a fact [1][2]." has nothing before its second mark, and "." is not a sentence.
    const bool same_group = before.find_first_not_of(" .,;:!?\n") == std::string_view::npos;
    if (same_group) claims.resize(n_old);
    if (number <= n_passages && !claims.empty()) {
      const size_t first = same_group ? n_old - 1 : n_old;
      for (size_t i = first; i < claims.size(); ++i) claims[i].passages.push_back(number - 1);
    }
    begin = at = end;
  }
  return claims;
}

// Splits each passage once, and only those that are named.
class Finder {
 public:
  explicit Finder(std::span<const Passage> passages)
      : passages_(passages), sentences_(passages.size()), split_(passages.size()) {}

  // The best sentence of one passage and the share it has.
  double best_of(const Relevance& claim, size_t passage, Evidence& best) {
    const std::string_view text = passages_[passage].text;
    if (!split_[passage]) sentences_[passage] = split_sentences(text);
    split_[passage] = true;
    double best_share = 0;
    for (const Sentence& sentence : sentences_[passage]) {
      const double share =
          claim.coverage(analyzer_, {text.substr(sentence.begin, sentence.end - sentence.begin)});
      if (share <= best_share) continue;
      best_share = share;
      best = {passage, sentence.begin, sentence.end};
    }
    return best_share;
  }

 private:
  std::span<const Passage> passages_;
  std::vector<std::vector<Sentence>> sentences_;
  std::vector<bool> split_;
  WordAnalyzer analyzer_;
};

Relevance words_of(std::string_view sentence) {
  return Relevance(sentence, [](std::string_view) { return 1.0; });
}

void add_once(const Evidence& evidence, std::vector<Evidence>& all) {
  const bool known = std::any_of(all.begin(), all.end(), [&](const Evidence& other) {
    return other.passage == evidence.passage && other.begin == evidence.begin;
  });
  if (!known) all.push_back(evidence);
}

}  // namespace

std::vector<Evidence> find_evidence(std::string_view answer, std::span<const Passage> passages) {
  std::vector<Evidence> all;
  Finder finder(passages);
  for (const Claim& claim : claims_of(answer, passages.size())) {
    const Relevance words = words_of(claim.sentence);
    for (const size_t passage : claim.passages) {
      Evidence best;
      if (finder.best_of(words, passage, best) >= kEnoughCited) add_once(best, all);
    }
  }
  return all;
}

std::vector<Evidence> find_uncited_evidence(std::string_view answer,
                                            std::span<const Passage> passages) {
  std::vector<Evidence> all;
  Finder finder(passages);
  const std::vector<Sentence> sentences = split_sentences(answer);
  for (size_t i = 0; i < std::min(sentences.size(), kMaxSentences); ++i) {
    const Relevance words =
        words_of(answer.substr(sentences[i].begin, sentences[i].end - sentences[i].begin));
    double best_share = 0;
    Evidence best;
    for (size_t passage = 0; passage < passages.size(); ++passage) {
      Evidence candidate;
      const double share = finder.best_of(words, passage, candidate);
      if (share <= best_share) continue;
      best_share = share;
      best = candidate;
    }
    if (best_share >= kEnoughUncited) add_once(best, all);
  }
  return all;
}

}  // namespace docmind::providers
