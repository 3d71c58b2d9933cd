// Direction: the same words, the other way round.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_direction.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "cache/question_lists.h"

namespace docmind::cache {
namespace {

using Words = std::vector<QuestionWord>;

constexpr std::string_view kTowards[] = {"to", "into", "towards", "toward", "onto"};
// Words around which a pair may be turned without another meaning.
constexpr std::string_view kSymmetric[] = {
    "vs",      "versus",  "difference", "different", "differ",  "between", "compare", "comparison",
    "similar", "similarity", "relation", "relationship", "same", "equal",  "marry",  "and", "or"};

struct Ordered {
  std::string key;       // link, first, second
  std::string reversed;  // link, second, first
  std::string shown;
};

void add(std::vector<Ordered>& pairs, std::string_view link, const QuestionWord& a,
         const QuestionWord& b) {
  if (a.stem == b.stem) return;
  const std::string head = std::string(link) + '\n';
  pairs.push_back({head + a.stem + '\n' + b.stem, head + b.stem + '\n' + a.stem,
                   a.text + " " + std::string(link) + " " + b.text});
}

// The nearest word of a topic, at most three words away; npos: none.
size_t topic_before(const Words& words, size_t i) {
  for (size_t step = 1; step <= 3 && step <= i; ++step) {
    if (!words[i - step].stop) return i - step;
  }
  return std::string_view::npos;
}
size_t topic_after(const Words& words, size_t i) {
  for (size_t step = 1; step <= 3 && i + step < words.size(); ++step) {
    if (!words[i + step].stop) return i + step;
  }
  return std::string_view::npos;
}

// "to Y from X" says the same as "from X to Y"; "how far is X from Y" alone has no direction.
void add_link(std::vector<Ordered>& pairs, const Words& words, size_t i, bool has_to) {
  const std::string_view text = words[i].text;
  const size_t before = topic_before(words, i);
  const size_t after = topic_after(words, i);
  if (before == std::string_view::npos || after == std::string_view::npos) return;
  if (is_in(kTowards, text)) add(pairs, "to", words[before], words[after]);
  if (text == "from" && has_to) add(pairs, "to", words[after], words[before]);
  if (text == "than" || text == "over") add(pairs, text, words[before], words[after]);
  // "better than": the pair stands further apart, "is A better than B".
  if (text == "than" && before > 0) {
    const size_t first = topic_before(words, before);
    if (first != std::string_view::npos) add(pairs, "than", words[first], words[after]);
  }
}

// Three topic words in a row with names or rare words at the ends, "India attack Pakistan", and no
// word of symmetry among them.
void add_triples(std::vector<Ordered>& pairs, const Words& words) {
  std::vector<const QuestionWord*> row;
  for (const QuestionWord& word : words) {
    const bool symmetric = is_in(kSymmetric, word.text) || is_in(kSymmetric, word.stem);
    if (word.starts_sentence || symmetric) row.clear();
    if (symmetric || word.stop) continue;
    row.push_back(&word);
    if (row.size() < 3) continue;
    const auto last = row.end();
    const auto named = [](const QuestionWord& end) { return !end.common || end.capital; };
    if (!named(**(last - 3)) || !named(**(last - 1))) continue;
    add(pairs, (*(last - 2))->stem, **(last - 3), **(last - 1));
  }
}

std::vector<Ordered> ordered_pairs(const QuestionText& question) {
  std::vector<Ordered> pairs;
  const bool has_to = std::any_of(question.words.begin(), question.words.end(), [](const auto& w) {
    return is_in(kTowards, w.text);
  });
  for (size_t i = 0; i < question.words.size(); ++i) add_link(pairs, question.words, i, has_to);
  add_triples(pairs, question.words);
  return pairs;
}

}  // namespace

std::string turned_pair(const QuestionText& left, const QuestionText& right) {
  const std::vector<Ordered> ours = ordered_pairs(left);
  const std::vector<Ordered> theirs = ordered_pairs(right);
  std::unordered_set<std::string_view> known;
  for (const Ordered& pair : theirs) known.insert(pair.key);
  std::unordered_set<std::string_view> own;
  for (const Ordered& pair : ours) own.insert(pair.key);
  for (const Ordered& pair : ours) {
    // A question that has both orders of its own ("from A to B and B to A") is not turned.
    if (known.contains(pair.reversed) && !known.contains(pair.key) && !own.contains(pair.reversed)) {
      return pair.shown;
    }
  }
  return {};
}

}  // namespace docmind::cache
