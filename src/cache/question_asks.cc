// What a question asks for, as far as its question words tell.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_asks.h"

#include <algorithm>
#include <iterator>

#include "cache/question_lists.h"

namespace docmind::cache {
namespace {

using Words = std::vector<QuestionWord>;

constexpr std::string_view kAuxiliaries[] = {"is", "are", "was", "were", "do", "does", "did", "can",
                                             "could", "will", "would", "should", "has", "have",
                                             "had", "may", "must", "am"};
constexpr std::string_view kMeasures[] = {"many", "much", "long", "far", "old", "often", "tall",
                                          "big", "fast", "deep", "heavy", "high", "large"};
constexpr std::string_view kWays[] = {"way", "ways", "method", "methods", "tips", "steps",
                                      "procedure", "trick", "tricks"};
constexpr std::string_view kCopulas[] = {"is", "are", "was", "were"};
constexpr std::string_view kReasons[] = {"reason", "reasons", "cause", "causes"};
constexpr std::string_view kTimes[] = {"time", "times", "year", "years", "date", "dates", "day",
                                       "days", "month", "hour", "week", "moment", "deadline"};
constexpr std::string_view kPlaces[] = {"place", "places", "city", "cities", "country", "countries",
                                        "location", "site", "sites", "website", "websites", "state",
                                        "folder", "directory", "path", "address"};
constexpr std::string_view kPersons[] = {"person", "persons", "people", "man", "men", "woman",
                                         "women", "author", "name", "names", "company", "team"};
constexpr std::string_view kAmounts[] = {"number", "amount", "cost", "costs", "price", "prices",
                                         "size", "length", "height", "weight", "distance", "age",
                                         "salary", "duration", "limit", "rate", "percentage", "fee",
                                         "fees", "value", "population", "speed", "depth", "width"};

std::string_view text_at(const Words& words, size_t i) {
  return i < words.size() ? std::string_view(words[i].text) : std::string_view();
}

// "which year", "what was the first city": the noun right after it, at most three words away.
AsksFor read_noun(const Words& words, size_t i) {
  constexpr size_t kNounNear = 4;
  for (size_t k = i + 1; k < words.size() && k <= i + kNounNear; ++k) {
    const std::string_view text = words[k].text;
    // "what is the year", but not "what do people".
    if (words[k].starts_sentence || (k > i + 1 && is_in(kAuxiliaries, text))) break;
    if (k == i + 1 && is_in(kAuxiliaries, text) && !is_in(kCopulas, text)) break;
    if (is_in(kTimes, text)) return AsksFor::kWhen;
    if (is_in(kPlaces, text)) return AsksFor::kWhere;
    if (is_in(kPersons, text)) return AsksFor::kWho;
    if (is_in(kAmounts, text)) return AsksFor::kQuantity;
  }
  return AsksFor::kWhat;
}

// "what is the best way to": the noun within the next words tells what is asked for.
AsksFor read_what(const Words& words, size_t i) {
  if (const AsksFor noun = read_noun(words, i); noun != AsksFor::kWhat) return noun;
  constexpr size_t kNear = 6;
  for (size_t k = i + 1; k < words.size() && k <= i + kNear; ++k) {
    if (words[k].starts_sentence) break;
    const std::string_view text = words[k].text;
    const std::string_view after = text_at(words, k + 1);
    if (is_in(kWays, text) && (after == "to" || after == "of" || after == "i" || after == "for")) {
      return AsksFor::kHow;
    }
    if (is_in(kReasons, text)) return AsksFor::kWhy;
    if (text == "should" || text == "can" || text == "could") {
      // "what should I do to" is how to
      if (text_at(words, k + 2) == "do" && text_at(words, k + 3) == "to") return AsksFor::kHow;
    }
  }
  return AsksFor::kWhat;
}

AsksFor read_how(const Words& words, size_t i) {
  const std::string_view next = text_at(words, i + 1);
  if (next == "come") return AsksFor::kWhy;
  if (next == "much" || next == "many" || is_in(kMeasures, next)) return AsksFor::kQuantity;
  const bool way = next == "to" || next == "do" || next == "can" || next == "should" ||
                   next == "could" || next == "does" || next == "did";
  return way ? AsksFor::kHow : AsksFor::kAnything;  // "how is", "how good"
}

}  // namespace

AsksFor asks_for(const QuestionText& question) {
  const Words& words = question.words;
  AsksFor yes_no = AsksFor::kAnything;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view text = words[i].text;
    if (text == "how") return read_how(words, i);
    if (text == "why") return AsksFor::kWhy;
    if (text == "where") return AsksFor::kWhere;
    if (text == "who" || text == "whom" || text == "whose") return AsksFor::kWho;
    if (text == "when" && words[i].starts_sentence) return AsksFor::kWhen;
    if (text == "what" || text == "which" || text == "whats") return read_what(words, i);
    if (words[i].starts_sentence && is_in(kAuxiliaries, text)) yes_no = AsksFor::kYesNo;
    if (yes_no == AsksFor::kYesNo && i > 0) return yes_no;
  }
  return yes_no;
}

std::string_view name_of(AsksFor kind) {
  switch (kind) {
    case AsksFor::kAnything: return "anything";
    case AsksFor::kWhat: return "what";
    case AsksFor::kYesNo: return "yes or no";
    case AsksFor::kHow: return "how";
    case AsksFor::kWhy: return "why";
    case AsksFor::kWhen: return "when";
    case AsksFor::kWhere: return "where";
    case AsksFor::kWho: return "who";
    case AsksFor::kQuantity: return "how much";
  }
  return "anything";
}

bool conflict(AsksFor a, AsksFor b) {
  if (a == b) return false;
  const auto sharp = [](AsksFor kind) {
    return kind == AsksFor::kHow || kind == AsksFor::kWhy || kind == AsksFor::kWhen ||
           kind == AsksFor::kWhere || kind == AsksFor::kWho || kind == AsksFor::kQuantity;
  };
  // "which revision" names no time, place, person or amount; what and how often ask for the same.
  const auto thing_or_manner = [](AsksFor kind) {
    return kind == AsksFor::kWhat || kind == AsksFor::kHow || kind == AsksFor::kWhy;
  };
  if (a == AsksFor::kWhat || b == AsksFor::kWhat) {
    const AsksFor other = a == AsksFor::kWhat ? b : a;
    return sharp(other) && !thing_or_manner(other);
  }
  return sharp(a) && sharp(b);
}

}  // namespace docmind::cache
