// Pairing: which words of two questions are forms of one another.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_pairing.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace docmind::cache {
namespace {

using Words = std::vector<QuestionWord>;
using Flags = std::vector<bool>;

constexpr size_t kMaxCompared = 32;     // words left over on a side
constexpr size_t kMaxInitials = 6;
constexpr size_t kMaxComparedBytes = 40;

// Short words have no stem: "US" is not the stem of "used".
void pair_equal(const Words& words, const Words& others, Flags& paired) {
  constexpr size_t kShortest = 3;
  std::unordered_set<std::string_view> texts;
  std::unordered_set<std::string_view> stems;
  for (const QuestionWord& word : others) {
    texts.insert(word.text);
    if (word.text.size() >= kShortest) stems.insert(word.stem);
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const bool stemmed = words[i].text.size() >= kShortest && stems.contains(words[i].stem);
    if (stemmed || texts.contains(words[i].text)) paired[i] = true;
  }
}

// "You Tube" in `words` against "YouTube" in `others`.
void pair_joined(const Words& words, const Words& others, Flags& paired, Flags& other_paired) {
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < others.size(); ++i) {
    if (other_paired[i]) continue;
    places.emplace(others[i].text, i);
    places.emplace(others[i].stem, i);
  }
  if (places.empty()) return;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const auto place = places.find(words[i].text + words[i + 1].text);
    const auto stem = place == places.end() ? places.find(words[i].text + words[i + 1].stem) : place;
    if (stem == places.end()) continue;
    paired[i] = paired[i + 1] = true;
    other_paired[stem->second] = true;
  }
}

// The initials of words[i..] up to kMaxInitials words; function words may be left out.
void pair_initials_at(const Words& words, size_t begin, bool skip_stops,
                      const std::unordered_map<std::string_view, size_t>& places, Flags& paired,
                      Flags& other_paired) {
  std::string initials;
  for (size_t i = begin; i < words.size() && initials.size() < kMaxInitials; ++i) {
    if (words[i].has_digit || static_cast<unsigned char>(words[i].text[0]) >= 0x80) return;
    if (skip_stops && words[i].stop) continue;
    initials.push_back(words[i].text[0]);
    if (initials.size() < 2) continue;
    const auto place = places.find(initials);
    if (place == places.end()) continue;
    for (size_t word = begin; word <= i; ++word) paired[word] = true;
    other_paired[place->second] = true;
  }
}

void pair_initials(const Words& words, const Words& others, Flags& paired, Flags& other_paired) {
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < others.size(); ++i) {
    const size_t size = others[i].text.size();
    if (!other_paired[i] && !others[i].common && size >= 2 && size <= kMaxInitials) {
      places.emplace(others[i].text, i);
    }
  }
  if (places.empty()) return;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].stop || words[i].text.empty()) continue;
    pair_initials_at(words, i, true, places, paired, other_paired);
    pair_initials_at(words, i, false, places, paired, other_paired);
  }
}

// "Canada" and "Canadian", "Ukraine" and "Ukrainian".
bool derived(std::string_view a, std::string_view b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t same = 0;
  while (same < shorter && a[same] == b[same]) ++same;
  return same >= 4 && shorter - same <= 1 && std::max(a.size(), b.size()) - same <= 3;
}

bool is_near_form(const QuestionWord& a, const QuestionWord& b) {
  const std::string_view x = a.text;
  const std::string_view y = b.text;
  const size_t shorter = std::min(x.size(), y.size());
  const size_t longer = std::max(x.size(), y.size());
  if (a.has_digit || b.has_digit || longer > kMaxComparedBytes || shorter < 4) return false;
  if (a.common && b.common) return false;
  if (x[0] != y[0]) return false;
  if (derived(x, y)) return true;
  const size_t allowed = shorter >= 9 ? 2 : shorter >= 5 ? 1 : 0;
  return longer - shorter <= allowed && edit_distance(x, y) <= allowed;
}

std::vector<size_t> unpaired_topics(const Words& words, const Flags& paired) {
  std::vector<size_t> places;
  for (size_t i = 0; i < words.size() && places.size() < kMaxCompared; ++i) {
    if (!paired[i] && !words[i].stop) places.push_back(i);
  }
  return places;
}

void pair_near(const Words& left, const Words& right, Pairing& pairing) {
  const std::vector<size_t> rest = unpaired_topics(right, pairing.right);
  for (const size_t i : unpaired_topics(left, pairing.left)) {
    for (const size_t j : rest) {
      if (pairing.right[j] || !is_near_form(left[i], right[j])) continue;
      pairing.left[i] = true;
      pairing.right[j] = true;
      break;
    }
  }
}

}  // namespace

Pairing pair_words(const QuestionText& left, const QuestionText& right) {
  Pairing pairing{Flags(left.words.size()), Flags(right.words.size())};
  pair_equal(left.words, right.words, pairing.left);
  pair_equal(right.words, left.words, pairing.right);
  pair_joined(left.words, right.words, pairing.left, pairing.right);
  pair_joined(right.words, left.words, pairing.right, pairing.left);
  pair_initials(left.words, right.words, pairing.left, pairing.right);
  pair_initials(right.words, left.words, pairing.right, pairing.left);
  pair_near(left.words, right.words, pairing);
  return pairing;
}

}  // namespace docmind::cache
