// Guards and bounds on random inputs: symmetry, equal questions, any bytes, coverage, monotony.
// SPDX-License-Identifier: Apache-2.0
#include "cache/calibrator.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "cache/binomial_bound.h"
#include "cache/logistic_model.h"
#include "cache/question_guards.h"

namespace docmind::cache {
namespace {

// Pieces that the guards look at, in any order.
std::string random_question() {
  static constexpr const char* kPieces[] = {
      "how",  "why",  "not",  "don't", "to",    "from",   "than",  "IBM", "ibm", "10",   "10kg",
      "1,00", "ten",  "\"a",  "b\"",   "'",     "`x`",    "U.S.",  "C++", "vs",  "Bonn", "bonn",
      "?",    "may",  "May",  "2nd",   "second", "\xc3\xa9", "\xff", "焦",  "$",   "%",    "increase",
      "decrease", "the", "You", "Tube", "YouTube", "no.", "."};
  const auto indices = *rc::gen::container<std::vector<size_t>>(
      rc::gen::inRange<size_t>(0, std::size(kPieces)));
  std::string text;
  for (const size_t i : indices) {
    text += kPieces[i];
    if (*rc::gen::inRange(0, 5) != 0) text += ' ';
  }
  return text;
}

void check_symmetry(const std::string& a, const std::string& b) {
  const GuardVerdict one = QuestionGuards::compare(a, b);
  const GuardVerdict other = QuestionGuards::compare(b, a);
  RC_ASSERT(one.fired == other.fired);
  RC_ASSERT(one.word_overlap == other.word_overlap);
  RC_ASSERT(one.length_ratio == other.length_ratio);
  RC_ASSERT(one.likeness == other.likeness);
  RC_ASSERT(one.passed() == one.reason.empty());
}

TEST(QuestionGuardsProperty, SymmetricalAndInRange) {
  EXPECT_TRUE(rc::check([] {
    const std::string a = random_question();
    const std::string b = random_question();
    check_symmetry(a, b);
    const GuardVerdict verdict = QuestionGuards::compare(a, b);
    for (const double value : {verdict.word_overlap, verdict.length_ratio, verdict.likeness.verbatim,
                               verdict.likeness.topic_overlap, verdict.likeness.rare_overlap,
                               verdict.likeness.order_agreement, verdict.likeness.trigram_overlap}) {
      RC_ASSERT(value >= 0 && value <= 1);
    }
  }));
}

TEST(QuestionGuardsProperty, EqualQuestionsNeverFire) {
  EXPECT_TRUE(rc::check([] {
    const std::string question = random_question();
    RC_ASSERT(QuestionGuards::compare(question, question).passed());
    RC_ASSERT(QuestionGuards::compare(question, " " + question + " ").passed());
  }));
}

TEST(QuestionGuardsProperty, AnyBytes) {
  EXPECT_TRUE(rc::check([](const std::string& a, const std::string& b) {
    check_symmetry(a, b);
    RC_ASSERT(QuestionGuards::compare(a, a).passed());
  }));
}

TEST(BinomialBoundProperty, MonotoneAndAboveTheShare) {
  EXPECT_TRUE(rc::check([] {
    const auto n = *rc::gen::inRange<size_t>(1, 400);
    const auto n_wrong = *rc::gen::inRange<size_t>(0, n);
    const double share = static_cast<double>(n_wrong) / static_cast<double>(n);
    const double bound = share_upper_bound(n_wrong, n, 0.95);
    const double next = next_share_upper_bound(n_wrong, n, n, 0.95);
    RC_ASSERT(bound >= share && bound <= 1);
    RC_ASSERT(next >= share && next <= 1);
    RC_ASSERT(share_upper_bound(n_wrong + 1, n, 0.95) >= bound);
    RC_ASSERT(next_share_upper_bound(n_wrong + 1, n, n, 0.95) >= next);
    RC_ASSERT(next_share_upper_bound(n_wrong, n, n, 0.99) >= next);
  }));
}

TEST(LogisticModelProperty, AnyRowsGiveFiniteWeights) {
  EXPECT_TRUE(rc::check([] {
    LabelledRows rows{.width = 3, .features = {}, .labels = {}};
    const auto n = *rc::gen::inRange<size_t>(0, 60);
    for (size_t i = 0; i < n; ++i) {
      for (size_t k = 0; k < rows.width; ++k) rows.features.push_back(*rc::gen::inRange(-3, 4));
      rows.labels.push_back(*rc::gen::inRange(0, 2) == 1);
    }
    const LogisticModel model = LogisticModel::fit(rows, {}, 1.0);
    for (const double weight : model.weights()) RC_ASSERT(std::isfinite(weight));
  }));
}

}  // namespace
}  // namespace docmind::cache
