// Guards: differences of wording that make two questions ask for different things.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::cache {

// Why two questions, near as their vectors may be, must not share an answer.
enum class Guard : uint8_t {
  kNumbers,    // numbers, dates, versions, units: "in 2023" against "in 2024"
  kNegation,   // one says not, never, without
  kQuotes,     // quoted strings and code differ
  kNames,      // a name or rare term stands in one and no form of it in the other
  kDirection,  // the same words, the other way round: "convert A to B" against "B to A"
  kAsksFor,    // how against why, who against when
  kAntonyms,   // enable against disable, increase against decrease
};
inline constexpr size_t kGuardCount = 7;
[[nodiscard]] std::string_view guard_name(Guard guard);  // "numbers"

// Kinds of difference between the words of two questions, from harmless to grave. What a difference of
// a kind does to the meaning is learned (calibrator.h), not decided here.
enum class WordingChange : uint8_t {
  kArticle,       // the, a, some
  kFiller,        // really, actually; best, good, way
  kAuxiliary,     // "how do" and "how can", is and are
  kTense,         // did, was, will, should
  kPerson,        // I, you, we
  kPossessive,    // my, your, its
  kPreposition,   // in, on, for, with
  kConnective,    // and, or, if, that
  kWhich,         // what and which
  kQuestionWord,  // any other question word
  kOtherFunction, // any other function word
  kPlural,        // one word in singular and plural
  kForm,          // one word in other forms of one stem
  kSpelling,      // forms that Pairing finds: spelt otherwise, initials, written together
  kCommonTopic,   // an everyday word that only one of them has
  kRareTopic      // any other word that only one of them has
};
inline constexpr size_t kWordingChangeCount = 16;

// How alike two texts read, apart from any vectors; shares go from 0 (not at all) to 1 (alike).
struct TextLikeness {
  double topic_overlap = 0;    // as word_overlap, fillers left out, forms and synonyms as one
  double rare_overlap = 0;     // as topic_overlap, rare words and names weighing more
  double order_agreement = 0;  // Dice of the neighbouring pairs of topic words
  double trigram_overlap = 0;  // Dice of the character trigrams of the topic words
  double verbatim = 0;         // Dice of all words as written and of their neighbouring pairs
  double asks_alike = 0;       // 1: for the same; 0.5: what one of them asks for is open
  double n_topics = 0;         // 1 - 1/(1 + topic words of the shorter): short ones say little
  std::array<uint8_t, kWordingChangeCount> changes{};  // how many of each WordingChange
  bool operator==(const TextLikeness&) const = default;
};

// Two questions compared.
struct GuardVerdict {
  uint8_t fired = 0;          // bit i: Guard(i)
  std::string reason;         // of the first that fired, for people: "numbers differ: 2023, 2024"
  double word_overlap = 0;    // Jaccard of the content words' stems, 0..1
  double length_ratio = 0;    // words of the shorter over words of the longer, 0..1
  TextLikeness likeness;
  [[nodiscard]] bool passed() const { return fired == 0; }
  [[nodiscard]] bool has(Guard guard) const { return (fired >> static_cast<int>(guard)) & 1; }
};

// How near a cached question comes when several are near: by its wording first, then by the
// similarity of the vectors. Of the nearest few candidates the one with the highest is the one to
// judge; among 12,000 labelled question pairs with lexical vectors the best of 8 was the right one in
// 2,187 cases, the nearest vector in 1,783.
[[nodiscard]] double closeness(double similarity, const GuardVerdict& verdict);

// Pure functions; any thread. Questions may be any bytes of any length up to some KiB; linear time.
class QuestionGuards {
 public:
  // `asked` against `cached`, symmetrical but for the wording of `reason`.
  [[nodiscard]] static GuardVerdict compare(std::string_view asked, std::string_view cached);
};

}  // namespace docmind::cache
