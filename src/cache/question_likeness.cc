// How alike two questions read, for the calibrator.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_likeness.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cache/question_changes.h"

namespace docmind::cache {
namespace {

// Each line is one meaning; the first is the name of all.
constexpr std::string_view kSynonyms[][5] = {
    {"film", "movi", "", "", ""},       {"phone", "mobil", "smartphon", "cellphon", ""},
    {"learn", "studi", "", "", ""},     {"bui", "purchas", "", "", ""},
    {"start", "begin", "", "", ""},     {"child", "kid", "children", "", ""},
    {"job", "work", "career", "", ""},  {"lose", "reduc", "loss", "", ""},
    {"improv", "increas", "enhanc", "better", ""},
    {"weight", "fat", "", "", ""},      {"book", "novel", "", "", ""},
    {"fix", "solv", "repair", "resolv", ""},
    {"get", "obtain", "", "", ""},      {"site", "websit", "", "", ""},
    {"colleg", "univers", "institut", "", ""},
    {"earn", "monei", "", "", ""},      {"usa", "america", "us", "", ""},
    {"quit", "stop", "", "", ""},       {"salari", "pai", "", "", ""},
    {"end", "finish", "", "", ""},      {"crack", "pass", "", "", ""},
    {"deal", "handl", "cope", "", ""},  {"becom", "be", "", "", ""},
    {"rid", "remov", "elimin", "", ""}, {"delet", "remov", "", "", ""}};

std::string_view meaning_of(const QuestionWord& word) {
  for (const auto& line : kSynonyms) {
    for (const std::string_view name : line) {
      if (!name.empty() && name == word.stem) return line[0];
    }
  }
  return word.stem;
}

// The more a word names something, the more it weighs.
double weight_of(const QuestionWord& word) {
  if (word.has_digit) return 3;
  return word.common ? 1 : 2.5;
}

struct Topics {
  std::vector<const QuestionWord*> words;
  std::vector<std::string_view> meanings;
  std::vector<bool> paired;
};

Topics topics_of(const QuestionText& question, const std::vector<bool>& paired) {
  Topics topics;
  for (size_t i = 0; i < question.words.size(); ++i) {
    if (is_filler(question.words[i])) continue;
    topics.words.push_back(&question.words[i]);
    topics.meanings.push_back(meaning_of(question.words[i]));
    topics.paired.push_back(paired[i]);
  }
  return topics;
}

struct Overlap {
  double shared = 0;
  double all = 0;
  double rare_shared = 0;
  double rare_all = 0;
};

void count(const Topics& topics, const std::set<std::string_view>& others, Overlap& overlap) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < topics.words.size(); ++i) {
    if (!seen.insert(topics.meanings[i]).second) continue;
    const double weight = weight_of(*topics.words[i]);
    const bool shared = topics.paired[i] || others.contains(topics.meanings[i]);
    overlap.all += 1;
    overlap.rare_all += weight;
    if (!shared) continue;
    overlap.shared += 1;
    overlap.rare_shared += weight;
  }
}

// Twice what both have over what each has.
template <typename Key>
double dice(std::vector<Key> a, std::vector<Key> b) {
  if (a.empty() && b.empty()) return 1;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<Key> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return 2.0 * static_cast<double>(both.size()) / static_cast<double>(a.size() + b.size());
}

std::vector<std::string> neighbours(const Topics& topics) {
  std::vector<std::string> pairs;
  for (size_t i = 0; i + 1 < topics.meanings.size(); ++i) {
    pairs.push_back(std::string(topics.meanings[i]) + '\n' + std::string(topics.meanings[i + 1]));
  }
  return pairs;
}

std::vector<uint32_t> trigrams(const Topics& topics) {
  std::vector<uint32_t> grams;
  for (const QuestionWord* word : topics.words) {
    const std::string padded = " " + word->text + " ";
    for (size_t i = 0; i + 3 <= padded.size(); ++i) {
      uint32_t gram = 0;
      for (size_t k = 0; k < 3; ++k) gram = gram << 8 | static_cast<unsigned char>(padded[i + k]);
      grams.push_back(gram);
    }
  }
  return grams;
}

std::vector<std::string> written(const QuestionText& question) {
  std::vector<std::string> pieces;
  for (size_t i = 0; i < question.words.size(); ++i) {
    pieces.push_back(question.words[i].text);
    if (i > 0) pieces.push_back(question.words[i - 1].text + '\n' + question.words[i].text);
  }
  return pieces;
}

double asks_alike(const QuestionText& left, const QuestionText& right) {
  const AsksFor a = asks_for(left);
  const AsksFor b = asks_for(right);
  if (a == b) return 1;
  return conflict(a, b) ? 0 : 0.5;
}

}  // namespace

TextLikeness likeness_of(const QuestionText& left, const QuestionText& right,
                         const Pairing& pairing) {
  const Topics ours = topics_of(left, pairing.left);
  const Topics theirs = topics_of(right, pairing.right);
  Overlap overlap;
  count(ours, {theirs.meanings.begin(), theirs.meanings.end()}, overlap);
  count(theirs, {ours.meanings.begin(), ours.meanings.end()}, overlap);
  TextLikeness likeness;
  likeness.topic_overlap = overlap.all > 0 ? overlap.shared / overlap.all : 1;
  likeness.rare_overlap = overlap.rare_all > 0 ? overlap.rare_shared / overlap.rare_all : 1;
  likeness.order_agreement = dice(neighbours(ours), neighbours(theirs));
  likeness.trigram_overlap = dice(trigrams(ours), trigrams(theirs));
  likeness.asks_alike = asks_alike(left, right);
  const auto shorter = static_cast<double>(std::min(ours.words.size(), theirs.words.size()));
  likeness.n_topics = 1 - 1 / (1 + shorter);
  likeness.changes = wording_changes(left, right, pairing);
  likeness.verbatim = dice(written(left), written(right));
  return likeness;
}

}  // namespace docmind::cache
