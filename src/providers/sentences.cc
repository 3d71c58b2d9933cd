// Splits passages of extracted document text into sentences.
// SPDX-License-Identifier: Apache-2.0
#include "providers/sentences.h"

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/utext.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "base/ascii.h"

namespace docmind::providers {
namespace {

// Never end a sentence.
constexpr std::array<std::string_view, 28> kAlways = {
    "e.g", "i.e",  "cf",  "vs",   "viz", "resp", "approx", "dr",  "mr",   "mrs",
    "ms",  "prof", "fig", "figs", "eq",  "eqs",  "al",     "ca",  "incl", "excl",
    "ref", "refs", "esp", "st",   "gen", "sect", "messrs", "dept"};
// Do not end one when a number follows.
constexpr std::array<std::string_view, 24> kBeforeNumber = {
    "no",  "nos", "vol", "p",   "pp",  "ch",  "chap", "sec", "art",  "par", "ver", "v",
    "jan", "feb", "mar", "apr", "jun", "jul", "aug",  "sep", "sept", "oct", "nov", "dec"};
// Words that start a sentence even after a single capital ("plan B. The ...").
constexpr std::array<std::string_view, 16> kStarters = {
    "The", "This", "These", "That", "It",   "In", "If",    "For",
    "A",   "An",   "We",    "You",  "When", "To", "There", "However"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view opening_word(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) ++end;
  while (end > 1 && (text[end - 1] == ',' || text[end - 1] == ':')) --end;
  return text.substr(0, end);
}

// Whether the full stop at the end of `before` belongs to an abbreviation, seen `after` it.
bool ends_in_abbreviation(std::string_view before, std::string_view after) {
  if (before.empty() || before.back() != '.' || after.empty()) return false;
  if (before.ends_with(" ...")) return true;  // something left out: "ALTER TABLE ... ADD"
  before.remove_suffix(1);
  size_t start = before.size();
  constexpr size_t kLongest = 8;
  while (start > 0 && before.size() - start <= kLongest && !is_space(before[start - 1]) &&
         before[start - 1] != '(' && before[start - 1] != '[') {
    --start;
  }
  const std::string_view token = before.substr(start);
  if (token.size() == 1 && is_upper(token[0])) {
    return is_upper(after[0]) && !is_one_of(kStarters, opening_word(after));
  }
  std::string lower(token);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return is_one_of(kAlways, lower) || (is_digit(after[0]) && is_one_of(kBeforeNumber, lower));
}

// A letter of any script: everything beyond ASCII counts as one.
bool is_letter(char c) {
  return is_upper(c) || is_lower(c) || static_cast<unsigned char>(c) >= 0x80;
}

class SentenceSplitter {
 public:
  explicit SentenceSplitter(std::string_view text) : text_(text) {}

  std::vector<Sentence> run() {
    for (const TextBlock& block : split_blocks(text_)) {
      if (block.kind == BlockKind::kProse || block.kind == BlockKind::kItem) {
        split(block);
      } else {
        sentences_.push_back({block.begin, block.end, block.kind, n_blocks_});
      }
      ++n_blocks_;
    }
    return std::move(sentences_);
  }

 private:
  void split(const TextBlock& block) {
    std::string flat(text_.substr(block.begin, block.end - block.begin));
    std::replace_if(flat.begin(), flat.end(), is_space, ' ');  // line ends would end sentences
    // A piece without a letter ("1.", ")") joins its neighbour.
    const auto letter = [&](size_t from) {
      return static_cast<size_t>(
          std::find_if(flat.begin() + static_cast<ptrdiff_t>(from), flat.end(), is_letter) -
          flat.begin());
    };
    const auto last_letter = std::find_if(flat.rbegin(), flat.rend(), is_letter);
    const auto letters_end = static_cast<size_t>(flat.rend() - last_letter);
    size_t begin = 0;
    size_t first_letter = letter(0);
    for (const size_t boundary : boundaries(flat)) {
      const std::string_view piece = trimmed(flat, begin, boundary);
      const std::string_view after = trimmed(flat, boundary, flat.size());
      if (!after.empty()) {
        if (first_letter >= boundary || boundary >= letters_end) continue;
        if (is_lower(after[0]) || ends_in_abbreviation(piece, after)) continue;
      }
      if (!piece.empty()) add(block, static_cast<size_t>(piece.data() - flat.data()), piece.size());
      begin = boundary;
      first_letter = letter(begin);
    }
  }

  static std::string_view trimmed(std::string_view flat, size_t begin, size_t end) {
    while (begin < end && flat[begin] == ' ') ++begin;
    while (end > begin && flat[end - 1] == ' ') --end;
    return flat.substr(begin, end - begin);
  }

  void add(const TextBlock& block, size_t offset, size_t length) {
    const size_t begin = block.begin + offset;
    sentences_.push_back({begin, begin + length, block.kind, n_blocks_});
  }

  // Ends of sentences by Unicode's rules, the last being the end of the text.
  std::vector<size_t> boundaries(const std::string& flat) {
    std::vector<size_t> found;
    UErrorCode status = U_ZERO_ERROR;
    if (iterator_ == nullptr) {
      iterator_.reset(icu::BreakIterator::createSentenceInstance(icu::Locale::getRoot(), status));
    }
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, flat.data(), static_cast<int64_t>(flat.size()), &status);
    if (U_SUCCESS(status)) iterator_->setText(&utext, status);
    if (U_SUCCESS(status)) {
      iterator_->first();
      for (int32_t at = iterator_->next(); at != icu::BreakIterator::DONE; at = iterator_->next()) {
        found.push_back(static_cast<size_t>(at));
      }
    }
    utext_close(&utext);
    if (found.empty() || found.back() != flat.size()) found.push_back(flat.size());
    return found;
  }

  std::string_view text_;
  std::vector<Sentence> sentences_;
  std::unique_ptr<icu::BreakIterator> iterator_;
  uint32_t n_blocks_ = 0;
};

}  // namespace

std::vector<Sentence> split_sentences(std::string_view text) { return SentenceSplitter(text).run(); }

}  // namespace docmind::providers
