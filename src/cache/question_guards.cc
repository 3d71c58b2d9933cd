// Guards: differences of wording that make two questions ask for different things.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_guards.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cache/question_asks.h"
#include "cache/question_direction.h"
#include "cache/question_likeness.h"
#include "cache/question_names.h"
#include "cache/question_numbers.h"
#include "cache/question_opposites.h"
#include "cache/question_pairing.h"
#include "cache/question_words.h"

namespace docmind::cache {
namespace {

// A quotation counts as present when its words stand in the other question without the marks.
std::string differing_quotes(const QuestionText& left, const QuestionText& right) {
  const auto missing = [](const QuestionText& question, const QuestionText& other) {
    for (const std::string& quote : question.quotes) {
      // A mark that combines with the quotation sign makes it unknown to its own question, too.
      if (question.squashed.find(quote) == std::string::npos) continue;
      if (other.squashed.find(quote) == std::string::npos) return quote;
    }
    return std::string();
  };
  const std::string ours = missing(left, right);
  const std::string theirs = missing(right, left);
  if (ours.empty() && theirs.empty()) return {};
  return (ours.empty() ? "none" : ours) + ", " + (theirs.empty() ? "none" : theirs);
}

std::string differing_asks(const QuestionText& left, const QuestionText& right) {
  const AsksFor a = asks_for(left);
  const AsksFor b = asks_for(right);
  if (!conflict(a, b)) return {};
  return std::string(name_of(a)) + ", " + std::string(name_of(b));
}

std::string_view what_differs(Guard guard) {
  switch (guard) {
    case Guard::kNumbers: return "numbers differ: ";
    case Guard::kNegation: return "only one negates: ";
    case Guard::kQuotes: return "quotations differ: ";
    case Guard::kNames: return "names differ: ";
    case Guard::kDirection: return "the other way round: ";
    case Guard::kAsksFor: return "they ask for different things: ";
    case Guard::kAntonyms: return "opposites: ";
  }
  return {};
}

// Jaccard of the stems that are no function words, or of all where nothing else is left.
double word_overlap(const QuestionText& left, const QuestionText& right) {
  const auto stems_of = [](const QuestionText& question, bool with_stops) {
    std::set<std::string_view> stems;
    for (const QuestionWord& word : question.words) {
      if (with_stops || !word.stop) stems.insert(word.stem);
    }
    return stems;
  };
  std::set<std::string_view> ours = stems_of(left, false);
  std::set<std::string_view> theirs = stems_of(right, false);
  if (ours.empty() && theirs.empty()) {
    ours = stems_of(left, true);
    theirs = stems_of(right, true);
  }
  const auto shared = static_cast<double>(std::count_if(
      ours.begin(), ours.end(), [&](std::string_view stem) { return theirs.contains(stem); }));
  const auto all = static_cast<double>(ours.size() + theirs.size()) - shared;
  return all > 0 ? shared / all : 1;
}

double length_ratio(const QuestionText& left, const QuestionText& right) {
  const size_t shorter = std::min(left.words.size(), right.words.size());
  const size_t longer = std::max(left.words.size(), right.words.size());
  return longer > 0 ? static_cast<double>(shorter) / static_cast<double>(longer) : 1;
}

}  // namespace

std::string_view guard_name(Guard guard) {
  switch (guard) {
    case Guard::kNumbers: return "numbers";
    case Guard::kNegation: return "negation";
    case Guard::kQuotes: return "quotes";
    case Guard::kNames: return "names";
    case Guard::kDirection: return "direction";
    case Guard::kAsksFor: return "asks_for";
    case Guard::kAntonyms: return "antonyms";
  }
  return "unknown";
}

double closeness(double similarity, const GuardVerdict& verdict) {
  constexpr double kTopics = 0.5;
  constexpr double kSimilarity = 0.3;
  constexpr double kGuard = 0.5;
  return verdict.likeness.verbatim + kTopics * verdict.likeness.topic_overlap +
         kSimilarity * similarity - (verdict.passed() ? 0 : kGuard);
}

GuardVerdict QuestionGuards::compare(std::string_view asked, std::string_view cached) {
  // One order of the two, so that the verdict cannot depend on it.
  if (cached < asked) std::swap(asked, cached);
  const QuestionText left = read_question(asked);
  const QuestionText right = read_question(cached);
  const Pairing pairing = pair_words(left, right);
  GuardVerdict verdict;
  verdict.word_overlap = word_overlap(left, right);
  verdict.length_ratio = length_ratio(left, right);
  verdict.likeness = likeness_of(left, right, pairing);
  if (asked == cached) return verdict;  // whatever garbage it is, it differs in nothing
  const auto judge = [&](Guard guard, const std::string& difference) {
    if (difference.empty()) return;
    if (verdict.fired == 0) verdict.reason = std::string(what_differs(guard)) + difference;
    verdict.fired = static_cast<uint8_t>(verdict.fired | 1U << static_cast<int>(guard));
  };
  judge(Guard::kNumbers, differing_numbers(left, right));
  judge(Guard::kNegation, differing_negation(left, right));
  judge(Guard::kQuotes, differing_quotes(left, right));
  judge(Guard::kDirection, turned_pair(left, right));
  judge(Guard::kAsksFor, differing_asks(left, right));
  judge(Guard::kAntonyms, facing_antonyms(left, right));
  // Last, since it says least about why.
  judge(Guard::kNames, differing_names(left, right, pairing));
  return verdict;
}

}  // namespace docmind::cache
