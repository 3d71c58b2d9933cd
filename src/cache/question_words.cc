// QuestionText: a question cut into words, numbers and quotations, as the guards compare it.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_words.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"
#include "cache/question_word_lists.h"

namespace docmind::cache {
namespace {

constexpr size_t kMaxQuotes = 16;

struct CodePoint {
  UChar32 c = 0;
  size_t begin = 0;
  size_t end = 0;
};

std::vector<CodePoint> decode(std::string_view text) {
  std::vector<CodePoint> points;
  points.reserve(text.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    const auto begin = static_cast<size_t>(i);
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    points.push_back({c, begin, static_cast<size_t>(i)});
  }
  return points;
}

bool is_word_character(UChar32 c) {
  if (c < 0x80) return c >= 0 && is_alnum(static_cast<char>(c));
  return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}
// Folding through Unicode takes microseconds a word, and most words do not need it.
std::string fold_word_case(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) {
    if (static_cast<unsigned char>(c) >= 0x80) return fold_case(text);
    if (is_upper(c)) c = static_cast<char>(c + ('a' - 'A'));
  }
  return folded;
}

bool is_decimal(UChar32 c) { return c >= '0' && c <= '9'; }
bool is_apostrophe(UChar32 c) { return c == '\'' || c == 0x2019; }

// Scripts written without spaces: each character counts as a word.
bool stands_alone(UChar32 c) {
  if (c < 0x0e00) return false;
  UErrorCode failure = U_ZERO_ERROR;
  switch (uscript_getScript(c, &failure)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR: return true;
    default: return false;
  }
}

std::string_view currency(UChar32 c) {
  switch (c) {
    case '$': return "dollar";
    case 0x20ac: return "euro";
    case 0xa3: return "pound";
    case 0x20b9: return "rupee";
    case 0xa5: return "yen";
    default: return {};
  }
}

// Cuts a text into words. Each step takes a fixed look ahead, so the time is linear.
class QuestionReader {
 public:
  explicit QuestionReader(std::string_view text) : text_(text), points_(decode(text)) {}

  QuestionText read() {
    while (at_ < points_.size()) {
      if (is_word_character(at(at_))) {
        read_word();
      } else {
        read_sign();
      }
    }
    result_.squashed = squash(text_);
    judge();
    return std::move(result_);
  }

 private:
  // 0 outside of the text.
  UChar32 at(size_t i) const { return i < points_.size() ? points_[i].c : 0; }
  std::string_view between(size_t begin, size_t end) const {
    return text_.substr(points_[begin].begin, points_[end - 1].end - points_[begin].begin);
  }

  void read_sign() {
    const UChar32 c = at(at_++);
    if (c == '.' || c == '?' || c == '!' || c == ':' || c == ';' || c == '\n') {
      starts_sentence_ = true;
    } else if (c == '%' && !result_.words.empty() && result_.words.back().has_digit) {
      result_.words.back().unit = "percent";
    } else if (!currency(c).empty()) {
      pending_unit_ = currency(c);
      return;
    } else {
      read_quote(c);
    }
    if (c != ' ') pending_unit_ = {};
  }

  // The words inside are read as words too; here only the string is kept.
  void read_quote(UChar32 open) {
    UChar32 close = 0;
    if (open == '"' || open == '`') close = open;
    if (open == 0x201c || open == 0x201e) close = 0x201d;
    if (open == 0x2018) close = 0x2019;
    if (open == 0xab) close = 0xbb;
    const bool plain = open == '\'' && (at_ < 2 || !is_word_character(at(at_ - 2)));
    if (plain) close = '\'';
    if (close == 0) return;
    starts_sentence_ = true;  // a capital there may be the quotation's own
    if (at_ < quote_end_ || result_.quotes.size() >= kMaxQuotes) return;
    size_t begin = at_;
    while (at(begin) == open) ++begin;  // "" and ``
    size_t end = begin;
    while (end < points_.size() && at(end) != close && at(end) != '\n') ++end;
    // 'a' and not the s of "parents' house": the closing one ends a word.
    while (plain && end + 1 < points_.size() && is_word_character(at(end + 1)) && at(end) == close) {
      ++end;
      while (end < points_.size() && at(end) != close) ++end;
    }
    if (end >= points_.size() || end == begin || at(end) != close) return;
    quote_end_ = end + 1;
    while (at(quote_end_) == close) ++quote_end_;
    std::string quote = squash(between(begin, end));
    if (!quote.empty()) result_.quotes.push_back(std::move(quote));
  }

  // The end of a number that starts at `i`: "1,000.50".
  size_t number_end(size_t i) const {
    while (i < points_.size()) {
      const bool inner = (at(i) == '.' || at(i) == ',') && is_decimal(at(i + 1));
      if (!is_decimal(at(i)) && !(inner && (at(i) == '.' || groups_digits(i)))) break;
      ++i;
    }
    return i;
  }

  // Whether the comma parts thousands (or, in Indian writing, lakhs) and not two numbers.
  bool groups_digits(size_t comma) const {
    size_t n = 0;
    while (n < 4 && is_decimal(at(comma + 1 + n))) ++n;
    return n == 3 || (n == 2 && at(comma + 3) == ',');
  }

  size_t word_end(size_t i) const {
    const size_t begin = i;
    while (i < points_.size()) {
      const UChar32 c = at(i);
      if (is_word_character(c) && !stands_alone(c)) {
        ++i;
        continue;
      }
      const bool joins = c == '.' || c == '_' || (c == '&' && i == begin + 1);
      if (!joins || !is_word_character(at(i + 1)) || stands_alone(at(i + 1))) break;
      ++i;
    }
    while (at(i) == '+' || (at(i) == '#' && i == begin + 1)) ++i;  // C++, C#
    return i;
  }

  void read_word() {
    const size_t begin = at_;
    if (stands_alone(at(begin))) {
      at_ = begin + 1;
      add(between(begin, at_));
      return;
    }
    size_t end = is_decimal(at(begin)) ? number_end(begin) : word_end(begin);
    if (is_decimal(at(begin)) && is_word_character(at(end)) && !stands_alone(at(end))) {
      const size_t tail = word_end(end);
      // "10kg" and "2nd" are read by the number guard; "3.5.1b" as it stands.
      end = tail;
    }
    at_ = end;
    if (is_apostrophe(at(end)) && is_word_character(at(end + 1))) {
      read_contraction(begin, end);
      return;
    }
    add(between(begin, end));
  }

  // "don't", "India's", "I'm", "O'Neill".
  void read_contraction(size_t begin, size_t apostrophe) {
    const size_t end = word_end(apostrophe + 1);
    const std::string tail = fold_word_case(between(apostrophe + 1, end));
    const std::string_view head = between(begin, apostrophe);
    at_ = end;
    if (tail == "t" && apostrophe > begin + 1 && is_one_of(at(apostrophe - 1), 'n', 'N')) {
      const std::string whole = fold_word_case(head);
      if (whole == "can") {
        add(head);
      } else if (whole == "won") {
        add("will");
      } else if (apostrophe - begin > 2) {
        add(between(begin, apostrophe - 1));
      }
      add("not");
    } else if (tail == "s" || tail == "re" || tail == "m" || tail == "ll" || tail == "ve" ||
               tail == "d") {
      add(head);
    } else {
      add(std::string(head) + std::string(between(apostrophe + 1, end)));
    }
  }
  static bool is_one_of(UChar32 c, UChar32 a, UChar32 b) { return c == a || c == b; }

  void add(std::string_view source) {
    QuestionWord word;
    std::string plain;
    hints_of(source, word, plain);
    word.text = fold_word_case(plain);
    const std::vector<Word> stems = analyzer_.analyze(plain);
    for (const Word& part : stems) word.stem += part.stem;
    if (word.stem.empty() || stems.size() > 1 || word.text.size() < 3) word.stem = word.text;
    word.stop = is_function_word(word.text);
    word.common = word.stop || is_common_word(word.text);
    word.starts_sentence = starts_sentence_;
    if (starts_sentence_) word.capital = false;
    if (word.has_digit) word.unit = pending_unit_;
    pending_unit_ = {};
    starts_sentence_ = false;
    result_.words.push_back(std::move(word));
  }

  // Reads the letters; `plain` is the source without the dots and signs that join.
  static void hints_of(std::string_view source, QuestionWord& word, std::string& plain) {
    size_t n_letters = 0;
    size_t n_capitals = 0;
    bool small_before = false;
    const bool number = is_decimal(static_cast<unsigned char>(source.front()));
    for (const CodePoint& point : decode(source)) {
      const bool joint = point.c == '.' || point.c == '_' || point.c == '&';
      if (joint && !number) {
        word.dotted = true;
        continue;
      }
      plain.append(source.substr(point.begin, point.end - point.begin));
      if (u_isdigit(point.c)) word.has_digit = true;
      if (!u_isalpha(point.c)) continue;
      const bool capital = u_isupper(point.c) || u_istitle(point.c);
      if (n_letters == 0) word.capital = capital;
      word.mixed = word.mixed || (capital && small_before);
      word.cased = word.cased || capital || u_islower(point.c);
      small_before = small_before || !capital;
      n_capitals += capital ? 1 : 0;
      ++n_letters;
    }
    word.has_letter = n_letters > 0;
    word.shout = n_letters >= 2 && n_capitals == n_letters;
    // Single letters with dots between are an abbreviation, not a file or host name.
    if (word.dotted && plain.size() * 2 <= source.size() + 1) word.dotted = false;
  }

  void judge() {
    size_t n_judged = 0;
    size_t n_capital = 0;
    size_t n_shout = 0;
    size_t n_known = 0;
    size_t n_cased = 0;
    for (const QuestionWord& word : result_.words) {
      if (!word.cased || !word.has_letter) continue;
      ++n_cased;
      n_known += word.common ? 1 : 0;
      n_shout += word.shout && word.text.size() > 1 ? 1 : 0;
      if (word.starts_sentence || word.text.size() < 4) continue;
      ++n_judged;
      n_capital += word.capital ? 1 : 0;
    }
    result_.title_case = (n_judged >= 3 && n_capital * 10 >= n_judged * 8) || n_shout * 2 > n_cased;
    result_.mostly_known = n_known * 2 >= n_cased;
    for (QuestionWord& word : result_.words) {
      // "US", "IT" and "WHO" are names unless all is written in capitals.
      const bool doubtful = word.text == "us" || word.text == "it" || word.text == "who";
      if (doubtful && word.shout && !result_.title_case) word.stop = word.common = false;
    }
  }

  std::string_view text_;
  std::vector<CodePoint> points_;
  size_t at_ = 0;
  size_t quote_end_ = 0;
  bool starts_sentence_ = true;
  std::string_view pending_unit_;
  WordAnalyzer analyzer_;
  QuestionText result_;
};

}  // namespace

std::string squash(std::string_view text) {
  std::string kept;
  for (const CodePoint& point : decode(text)) {
    if (is_word_character(point.c)) kept.append(text.substr(point.begin, point.end - point.begin));
  }
  return fold_word_case(kept);
}

QuestionText read_question(std::string_view question) { return QuestionReader(question).read(); }

}  // namespace docmind::cache
