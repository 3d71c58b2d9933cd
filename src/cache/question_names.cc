// Names and rare terms of two questions compared.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_names.h"

#include <algorithm>

#include "cache/question_numbers.h"

namespace docmind::cache {
namespace {

// How surely a word is a name: 0 not, 1 by being rare, 2 by its writing.
int name_strength(const QuestionWord& word, const QuestionText& question) {
  if (word.stop || !word.has_letter || !word.cased || word.text.size() < 2) return 0;
  if (word.has_digit) return 0;  // the number guard compares it
  if (word.mixed || word.dotted) return 2;
  if (!question.title_case && (word.shout || word.capital)) return word.common ? 1 : 2;
  return question.mostly_known && !word.common && word.text.size() >= 3 ? 1 : 0;
}

// The words of one question that the other has no form of.
struct NamesLeftOver {
  int strength = 0;          // of the surest name
  bool topic = false;        // any word that is no function word
  const QuestionWord* name = nullptr;
  const QuestionWord* word = nullptr;
};

NamesLeftOver names_left_over(const QuestionText& question, const std::vector<bool>& paired) {
  NamesLeftOver rest;
  for (size_t i = 0; i < question.words.size(); ++i) {
    const QuestionWord& word = question.words[i];
    if (paired[i] || word.stop || is_measure_word(word.text)) continue;
    if (!rest.topic) rest.word = &word;
    rest.topic = true;
    const int strength = name_strength(word, question);
    if (strength > rest.strength) {
      rest.strength = strength;
      rest.name = &word;
    }
  }
  return rest;
}

std::string shown_name(const NamesLeftOver& rest) {
  if (rest.name != nullptr) return rest.name->text;
  return rest.word != nullptr ? rest.word->text : "none";
}

}  // namespace

std::string differing_names(const QuestionText& left, const QuestionText& right,
                            const Pairing& pairing) {
  const NamesLeftOver ours = names_left_over(left, pairing.left);
  const NamesLeftOver theirs = names_left_over(right, pairing.right);
  const int surest = std::max(ours.strength, theirs.strength);
  const bool names_face = ours.strength > 0 && theirs.strength > 0;
  const bool topic_faces = ours.topic && theirs.topic && surest > 0;
  const bool name_added = surest == 2;
  if (!names_face && !topic_faces && !name_added) return {};
  return shown_name(ours) + ", " + shown_name(theirs);
}

}  // namespace docmind::cache
