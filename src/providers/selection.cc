// Selection: which candidate sentences make the answer.
// SPDX-License-Identifier: Apache-2.0
#include "providers/selection.h"

#include <algorithm>

namespace docmind::providers {
namespace {

constexpr double kRepeats = 0.7;    // overlap from which a sentence says nothing new
constexpr double kNewWeight = 0.6;  // of question words not yet covered, beside the score
constexpr double kFollows = 1.1;    // for the sentence right after a chosen one
constexpr double kEnough = 0.8;     // of the first one's score, below which answers get worse

class Selector {
 public:
  Selector(const CandidateSet& set, const Relevance& relevance, const SelectionLimits& limits)
      : set_(set), relevance_(relevance), limits_(limits) {}

  std::vector<size_t> run() {
    const size_t first = best_first();
    if (first == none()) return {};
    take(first);
    if (limits_.max_sentences > 1) elaborate();
    const double floor = kEnough * set_.candidates[first].score;
    while (chosen_.size() < limits_.max_sentences) {
      size_t best = none();
      double best_value = floor;
      for (size_t i = 0; i < set_.candidates.size(); ++i) {
        if (const double value = value_of(i); value > best_value) {
          best = i;
          best_value = value;
        }
      }
      if (best == none()) break;
      take(best);
    }
    return std::move(chosen_);
  }

 private:
  size_t none() const { return set_.candidates.size(); }

  bool answers(const Candidate& candidate) const {
    return candidate.score > 0 && candidate.support >= limits_.min_support;
  }

  size_t best_first() const {
    size_t best = none();
    for (size_t i = 0; i < set_.candidates.size(); ++i) {
      if (!answers(set_.candidates[i])) continue;
      if (best == none() || set_.candidates[i].score > set_.candidates[best].score) best = i;
    }
    return best;
  }

  // What the candidate adds to the chosen ones; 0 when it does not fit.
  double value_of(size_t i) const {
    const Candidate& candidate = set_.candidates[i];
    if (!answers(candidate)) return 0;
    if (n_words_ + candidate.n_words > limits_.max_words) return 0;
    double nearest = 0;
    bool follows = false;
    for (const size_t c : chosen_) {
      if (c == i) return 0;
      const Candidate& other = set_.candidates[c];
      nearest = std::max(nearest, overlap(candidate, other));
      follows = follows ||
                (candidate.passage == other.passage && candidate.sentence == other.sentence + 1);
    }
    if (nearest >= kRepeats) return 0;
    std::vector<double> fresh(candidate.credits.size());
    for (size_t t = 0; t < fresh.size(); ++t) {
      fresh[t] = std::max(0.0, candidate.credits[t] - covered_[t]);
    }
    return (candidate.score * (follows ? kFollows : 1) + kNewWeight * relevance_.share(fresh)) *
           (1 - 0.4 * nearest);
  }

  // Adds the sentence after a short one, when its paragraph goes on: two that belong together say
  // more than two from different places.
  void elaborate() {
    constexpr size_t kShortAnswer = 30;
    constexpr size_t kShortAddition = 40;
    const Candidate& only = set_.candidates[chosen_[0]];
    const std::vector<Sentence>& sentences = set_.sentences[only.passage];
    const size_t next = only.sentence + 1;
    if (only.n_words > kShortAnswer || next >= sentences.size()) return;
    if (sentences[next].block != sentences[only.sentence].block) return;
    for (size_t i = 0; i < set_.candidates.size(); ++i) {
      const Candidate& candidate = set_.candidates[i];
      if (candidate.passage != only.passage || candidate.sentence != next) continue;
      if (candidate.standing >= 0.8 && candidate.n_words <= kShortAddition &&
          candidate.n_words + n_words_ <= limits_.max_words &&
          overlap(candidate, only) < kRepeats) {
        take(i);
      }
      return;
    }
  }

  void take(size_t i) {
    const Candidate& candidate = set_.candidates[i];
    covered_.resize(candidate.credits.size(), 0);
    for (size_t t = 0; t < covered_.size(); ++t) {
      covered_[t] = std::max(covered_[t], candidate.credits[t]);
    }
    n_words_ += candidate.n_words;
    chosen_.push_back(i);
  }

  const CandidateSet& set_;
  const Relevance& relevance_;
  const SelectionLimits& limits_;
  std::vector<size_t> chosen_;
  std::vector<double> covered_;  // [terms]
  size_t n_words_ = 0;
};

}  // namespace

std::vector<size_t> select_sentences(const CandidateSet& set, const Relevance& relevance,
                                     const SelectionLimits& limits) {
  return Selector(set, relevance, limits).run();
}

}  // namespace docmind::providers
