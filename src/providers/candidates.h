// Candidate sentences of the passages, scored against a question.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.h"
#include "base/words.h"
#include "providers/provider.h"
#include "providers/question.h"
#include "providers/relevance.h"
#include "providers/sentences.h"

namespace docmind::providers {

// A sentence that could be part of the answer.
struct Candidate {
  static constexpr size_t kNoName = SIZE_MAX;

  size_t passage = 0;
  size_t sentence = 0;  // index into the sentences of its passage
  size_t n_words = 0;
  size_t name = kNoName;  // index of the heading that names what the sentence is about but not says
  double support = 0;           // share of the question that it covers with its headings, 0..1
  double standing = 0;          // how well it stands alone, 0..1
  double score = 0;             // how good an answer it is; 0: only good to go on with
  std::vector<double> credits;  // [terms], reduced for what only the context covers
  std::vector<uint64_t> stems;  // of its content words, hashed, sorted, distinct
};

// Per passage its sentences, and the candidates of all in reading order.
struct CandidateSet {
  std::vector<std::vector<Sentence>> sentences;
  std::vector<Candidate> candidates;
  size_t n_words_read = 0;
};

// Linear in the passages' length. Stops early, with what it has, once cancelled.
[[nodiscard]] CandidateSet find_candidates(std::string_view question,
                                           std::span<const Passage> passages,
                                           const Relevance& relevance, const CancelToken& cancel);

// Share of the smaller one's content words that both have, 0..1.
[[nodiscard]] double overlap(const Candidate& a, const Candidate& b);

}  // namespace docmind::providers
