// Numbers, dates, versions and units of two questions compared.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_numbers.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/ascii.h"

namespace docmind::cache {
namespace {

struct NamedValue {
  std::string_view name;
  std::string_view value;
};

// Months are numbers apart from the others: "m1".
constexpr NamedValue kNumberWords[] = {
    {"one", "1"},       {"two", "2"},     {"three", "3"},     {"four", "4"},    {"five", "5"},
    {"six", "6"},       {"seven", "7"},   {"eight", "8"},     {"nine", "9"},    {"ten", "10"},
    {"eleven", "11"},   {"twelve", "12"}, {"first", "1"},     {"second", "2"},  {"third", "3"},
    {"fourth", "4"},    {"fifth", "5"},   {"sixth", "6"},     {"seventh", "7"}, {"eighth", "8"},
    {"ninth", "9"},     {"tenth", "10"},  {"eleventh", "11"}, {"twelfth", "12"}, {"twice", "2"},
    {"hundred", "100"}, {"thousand", "1000"}, {"million", "1000000"}, {"billion", "1000000000"}};
constexpr NamedValue kRomanNumbers[] = {{"ii", "2"}, {"iii", "3"},  {"iv", "4"},   {"vi", "6"},
                                        {"vii", "7"}, {"viii", "8"}, {"ix", "9"}};
constexpr NamedValue kMonths[] = {
    {"january", "m1"}, {"february", "m2"}, {"march", "m3"},     {"april", "m4"},
    {"may", "m5"},     {"june", "m6"},     {"july", "m7"},      {"august", "m8"},
    {"september", "m9"}, {"october", "m10"}, {"november", "m11"}, {"december", "m12"},
    {"jan", "m1"},     {"feb", "m2"},      {"aug", "m8"},       {"sept", "m9"},
    {"oct", "m10"},    {"nov", "m11"},     {"dec", "m12"}};
constexpr NamedValue kUnits[] = {
    {"percent", "%"}, {"percentage", "%"}, {"dollar", "$"}, {"dollars", "$"}, {"usd", "$"},
    {"bucks", "$"}, {"euro", "eur"}, {"euros", "eur"}, {"eur", "eur"}, {"pound", "pound"},
    {"pounds", "pound"}, {"lb", "pound"}, {"lbs", "pound"}, {"rupee", "inr"}, {"rupees", "inr"},
    {"rs", "inr"}, {"inr", "inr"}, {"yen", "yen"}, {"kg", "kg"}, {"kgs", "kg"}, {"kilo", "kg"},
    {"kilos", "kg"}, {"kilogram", "kg"}, {"kilograms", "kg"}, {"g", "g"}, {"gram", "g"},
    {"grams", "g"}, {"mg", "mg"}, {"km", "km"}, {"kms", "km"}, {"kilometer", "km"},
    {"kilometers", "km"}, {"kilometre", "km"}, {"kilometres", "km"}, {"m", "m"}, {"meter", "m"},
    {"meters", "m"}, {"metre", "m"}, {"metres", "m"}, {"cm", "cm"}, {"mm", "mm"}, {"mile", "mile"},
    {"miles", "mile"}, {"foot", "foot"}, {"feet", "foot"}, {"ft", "foot"}, {"inch", "inch"},
    {"inches", "inch"}, {"l", "l"}, {"liter", "l"}, {"liters", "l"}, {"litre", "l"},
    {"litres", "l"}, {"ml", "ml"}, {"second", "s"}, {"seconds", "s"}, {"sec", "s"}, {"ms", "ms"},
    {"minute", "min"}, {"minutes", "min"}, {"min", "min"}, {"mins", "min"}, {"hour", "h"},
    {"hours", "h"}, {"hr", "h"}, {"hrs", "h"}, {"h", "h"}, {"day", "day"}, {"days", "day"},
    {"week", "week"}, {"weeks", "week"}, {"month", "month"}, {"months", "month"}, {"year", "year"},
    {"years", "year"}, {"yrs", "year"}, {"yr", "year"}, {"kb", "kb"}, {"mb", "mb"}, {"gb", "gb"},
    {"tb", "tb"}, {"mhz", "mhz"}, {"ghz", "ghz"}, {"hz", "hz"}, {"w", "w"}, {"kw", "kw"},
    {"mw", "mw"}, {"v", "v"}, {"volt", "v"}, {"volts", "v"}, {"celsius", "c"},
    {"fahrenheit", "f"}};
// Powers of ten that multiply the number before them.
struct Power {
  std::string_view name;
  size_t zeros;
};
constexpr Power kPowers[] = {{"k", 3},       {"thousand", 3}, {"lakh", 5},    {"lakhs", 5},
                             {"million", 6}, {"mn", 6},       {"crore", 7},   {"crores", 7},
                             {"billion", 9}, {"bn", 9},       {"trillion", 12}};

template <typename Table>
std::string_view value_of(const Table& table, std::string_view name) {
  for (const NamedValue& entry : table) {
    if (entry.name == name) return entry.value;
  }
  return {};
}

size_t zeros_of(std::string_view name) {
  for (const Power& power : kPowers) {
    if (power.name == name) return power.zeros;
  }
  return 0;
}

struct Number {
  std::string value;
  std::string_view unit;  // empty: none is given
  std::string_view shown;
  bool soft = false;      // a word such as "one", which may mean nothing
  bool code = false;      // letters and digits: "h1b"
};

std::string_view trim_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  return digits;
}

// "1,000.50" is "1000.5"; a version of more than two parts stays.
std::string plain_number(std::string_view written) {
  std::string plain;
  for (const char c : written) {
    if (c != ',') plain += c;
  }
  if (std::count(plain.begin(), plain.end(), '.') == 1) {
    while (plain.back() == '0') plain.pop_back();
    if (plain.back() == '.') plain.pop_back();
  }
  return std::string(trim_zeros(plain));
}

// `value` times a power of ten, as text: "1.5" and 6 is "1500000".
std::string shifted(const std::string& value, size_t zeros) {
  const size_t point = value.find('.');
  if (point == std::string::npos) return value + std::string(zeros, '0');
  const size_t n_decimals = value.size() - point - 1;
  std::string digits = value.substr(0, point) + value.substr(point + 1);
  if (n_decimals > zeros) return value + "e" + std::to_string(zeros);
  digits.append(zeros - n_decimals, '0');
  return std::string(trim_zeros(digits));
}

bool is_ordinal_ending(std::string_view tail) {
  return tail == "st" || tail == "nd" || tail == "rd" || tail == "th";
}

// A word that begins with a digit; `next` follows it.
Number read_digits(const QuestionWord& word, const QuestionWord* next) {
  const std::string_view text = word.text;
  size_t end = 0;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.' || text[end] == ',')) ++end;
  const std::string_view tail = text.substr(end);
  Number number{.value = {}, .unit = value_of(kUnits, word.unit), .shown = text};
  const std::string_view unit = value_of(kUnits, tail);
  const size_t zeros = zeros_of(tail);
  if (!tail.empty() && unit.empty() && zeros == 0 && !is_ordinal_ending(tail)) {
    number.value = text;
    number.code = true;
    return number;
  }
  number.value = plain_number(text.substr(0, end));
  if (!unit.empty()) number.unit = unit;
  if (zeros > 0) number.value = shifted(number.value, zeros);
  if (next == nullptr || !tail.empty()) return number;
  if (const size_t more = zeros_of(next->text); more > 0) {
    number.value = shifted(number.value, more);
  } else if (number.unit.empty()) {
    number.unit = value_of(kUnits, next->text);
  }
  return number;
}

std::optional<Number> read_word(const std::vector<QuestionWord>& words, size_t i) {
  const QuestionWord& word = words[i];
  const QuestionWord* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
  const bool after_number = i > 0 && words[i - 1].has_digit;
  if (word.text.empty()) return std::nullopt;
  if (is_digit(word.text[0])) return read_digits(word, next);
  if (word.has_digit) return Number{.value = word.text, .unit = {}, .shown = word.text, .code = true};
  if (const std::string_view month = value_of(kMonths, word.text); !month.empty()) {
    // "may" and "march" are words too.
    const bool sure = word.text != "may" && word.text != "march";
    const bool beside = after_number || (next != nullptr && next->has_digit);
    if (!sure && !beside && !(word.capital && !word.shout)) return std::nullopt;
    return Number{.value = std::string(month), .unit = {}, .shown = word.text, .soft = !sure && !beside};
  }
  if (word.shout) {
    if (const std::string_view roman = value_of(kRomanNumbers, word.text); !roman.empty()) {
      return Number{.value = std::string(roman), .unit = {}, .shown = word.text, .soft = true};
    }
  }
  if (after_number) return std::nullopt;  // "5 million", "10 second"
  const std::string_view value = value_of(kNumberWords, word.text);
  if (value.empty()) return std::nullopt;
  return Number{.value = std::string(value), .unit = {}, .shown = word.text, .soft = true};
}

std::vector<Number> read_numbers(const QuestionText& question) {
  std::vector<Number> numbers;
  for (size_t i = 0; i < question.words.size(); ++i) {
    if (auto number = read_word(question.words, i)) numbers.push_back(std::move(*number));
  }
  return numbers;
}

using Units = std::map<std::string_view, std::vector<std::string_view>>;  // by value

Units units_of(const std::vector<Number>& numbers) {
  Units units;
  for (const Number& number : numbers) units[number.value].push_back(number.unit);
  return units;
}

// Whether the other question has the number, in the same unit or one of the two without.
bool has_number(const Units& units, const Number& number) {
  const auto found = units.find(number.value);
  if (found == units.end()) return false;
  const auto& theirs = found->second;
  constexpr size_t kMaxLooked = 8;  // more units of one number are no question of people
  const size_t n = std::min(theirs.size(), kMaxLooked);
  return number.unit.empty() || std::any_of(theirs.begin(), theirs.begin() + static_cast<ptrdiff_t>(n),
                                            [&](std::string_view unit) {
                                              return unit.empty() || unit == number.unit;
                                            });
}

// Those that the other question lacks; a code may be spelt apart there: "H-1B".
std::vector<const Number*> missing(const std::vector<Number>& numbers, const Units& theirs,
                                   const std::string& squashed) {
  constexpr size_t kMaxCodes = 16;
  std::vector<const Number*> left;
  size_t n_codes = 0;
  for (const Number& number : numbers) {
    if (has_number(theirs, number)) continue;
    const bool spelt = number.code && ++n_codes <= kMaxCodes &&
                       squashed.find(squash(number.value)) != std::string::npos;
    if (!spelt) left.push_back(&number);
  }
  return left;
}

bool any_hard(const std::vector<const Number*>& numbers) {
  return std::any_of(numbers.begin(), numbers.end(), [](const Number* n) { return !n->soft; });
}

}  // namespace

bool is_measure_word(std::string_view folded) {
  return !value_of(kMonths, folded).empty() || !value_of(kUnits, folded).empty() ||
         !value_of(kNumberWords, folded).empty() || zeros_of(folded) > 0;
}

std::string differing_numbers(const QuestionText& left, const QuestionText& right) {
  const std::vector<Number> ours = read_numbers(left);
  const std::vector<Number> theirs = read_numbers(right);
  if (ours.empty() && theirs.empty()) return {};
  const auto only_left = missing(ours, units_of(theirs), right.squashed);
  const auto only_right = missing(theirs, units_of(ours), left.squashed);
  const bool both = !only_left.empty() && !only_right.empty();
  if (!both && !any_hard(only_left) && !any_hard(only_right)) return {};
  const auto shown = [](const std::vector<const Number*>& numbers) {
    if (numbers.empty()) return std::string("none");
    std::string text(numbers.front()->shown);
    if (!numbers.front()->unit.empty()) text += " " + std::string(numbers.front()->unit);
    return text;
  };
  return shown(only_left) + ", " + shown(only_right);
}

}  // namespace docmind::cache
