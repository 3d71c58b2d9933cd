// What kind of answer a question asks for, and the cues in a sentence that give it.
// SPDX-License-Identifier: Apache-2.0
#include "providers/question.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/ascii.h"

namespace docmind::providers {
namespace {

std::string lower_of(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

template <size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <size_t N>
bool has_any(std::string_view text, const std::array<std::string_view, N>& phrases) {
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
    return text.find(phrase) != std::string_view::npos;
  });
}

template <size_t N>
bool starts_with_any(std::string_view text, const std::array<std::string_view, N>& phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return text.starts_with(phrase); });
}

constexpr std::array<std::string_view, 12> kQuantityPhrases = {
    "how many", "how much", "how long", "how large", "how big",  "maximum",
    "minimum",  "limit",    "range of", "size of",   "number of", "length of"};
constexpr std::array<std::string_view, 6> kComparisonPhrases = {
    "difference between", "differences between", "differ from", "different from", "compared to",
    " versus "};
constexpr std::array<std::string_view, 5> kDefinitionStarts = {"what is ", "what are ",
                                                               "what does ", "what's ", "define "};
constexpr std::array<std::string_view, 4> kPlacePhrases = {"where ", "which file",
                                                           "which directory", "what file"};

// Verbs that tie a term to what it is or does.
constexpr std::array<std::string_view, 32> kDefiningVerbs = {
    "is",        "are",        "means",    "provides", "refers",   "allows",   "represents",
    "specifies", "describes",  "consists", "controls", "defines",  "performs", "returns",
    "contains",  "determines", "enables",  "sets",     "computes", "creates",  "removes",
    "causes",    "reads",      "writes",   "shows",    "displays", "changes",  "allow",
    "provide",   "represent",  "contain",  "enable"};
constexpr std::array<std::string_view, 3> kArticles = {"a", "an", "the"};
// A sentence that opens so tells of a case, not what the thing is.
constexpr std::array<std::string_view, 18> kCaseOpeners = {
    "when", "if",    "because", "by",   "with", "in",    "for", "after",  "to",
    "as",   "while", "since",   "once", "on",   "there", "at",  "unless", "before"};
constexpr std::array<std::string_view, 44> kImperatives = {
    "use",     "run",    "set",    "create",   "add",     "specify",   "issue",  "call",
    "execute", "start",  "enable", "make",     "install", "configure", "edit",   "choose",
    "select",  "type",   "enter",  "write",    "define",  "open",      "copy",   "restore",
    "change",  "remove", "drop",   "stop",     "restart", "connect",   "put",    "first",
    "then",    "click",  "press",  "download", "save",    "check",     "ensure", "disable",
    "delete",  "move",   "build",  "apply"};
constexpr std::array<std::string_view, 12> kHowToPhrases = {
    "you can ",  "you need to", "you must ",  "you should", "you will need", "can be used to",
    "by using ", "use the ",    "by running", "is done by", "command",       "by setting"};
constexpr std::array<std::string_view, 6> kDefaultPhrases = {
    "default is", "default value is", "by default", "defaults to", "the default)", "default: "};
constexpr std::array<std::string_view, 6> kRefusals = {"cannot",  " not ", " no ",
                                                       "tempted", "n't ",  "impossible"};
constexpr std::array<std::string_view, 10> kTimePhrases = {
    "when ", "after ",    "before ",    "during ", "until ",
    "once ", "whenever ", "as soon as", "every ",  "at the time"};
constexpr std::array<std::string_view, 12> kReasonPhrases = {
    "because", "since ",  "so that",   "due to",      "reason",    "therefore",
    "avoid",   "prevent", "to ensure", "in order to", "otherwise", "as a result"};
constexpr std::array<std::string_view, 12> kContrasts = {
    "whereas", "unlike",     "in contrast", "differ",   "variants", "rather than",
    " while ", "instead of", " but ",       "however,", "on the other hand", "compared"};
constexpr std::array<std::string_view, 9> kPlacePhrasesInText = {
    "located", "stored ",  "directory", "folder", "in the file",
    "placed",  "found in", "/",         "kept in"};

constexpr std::array<std::string_view, 11> kCrossReferences = {"see ",
                                                               "(see ",
                                                               "see also",
                                                               "refer to ",
                                                               "consult ",
                                                               "for more ",
                                                               "more information",
                                                               "for details",
                                                               "for information",
                                                               "read more",
                                                               "related "};
constexpr std::array<std::string_view, 21> kLeaningPhrases = {
    "for this reason", "as previously",    "in this case",
    "in that case",    "for example",      "for instance",
    "as a result",     "the last ",        "alternatively",
    "otherwise",       "similarly",        "likewise",
    "another ",        "almost certainly", "with that",
    "in such",         "the following",    "(",
    "other ",          "if not,",          "if so"};
constexpr std::array<std::string_view, 22> kLeaning = {
    "this",         "it",          "these",        "that",        "they",      "those",
    "however",      "also",        "but",          "thus",        "therefore", "then",
    "such",         "he",          "she",          "moreover",    "and",       "so",
    "nevertheless", "furthermore", "additionally", "consequently"};

constexpr std::array<std::string_view, 3> kNaming = {"called", "named", "termed"};

// "a feature called autovacuum", "Multiversion Concurrency Control (MVCC)": the question's word
// closes a bracket.
double expands_name(const SentenceForm& sentence) {
  for (size_t i = 0; i < sentence.words.size(); ++i) {
    const Word& word = sentence.words[i];
    const char* behind = word.source.data() + word.source.size();
    const char* end = sentence.text.data() + sentence.text.size();
    if (sentence.credits[i] < 1) continue;
    const bool acronym =
        word.source.size() > 1 && std::all_of(word.source.begin(), word.source.end(), is_upper);
    if (acronym && behind < end && *behind == ')') return 0.8;
    // "TOAST (The Oversized-Attribute Storage Technique)"
    if (acronym && behind + 2 < end && behind[0] == ' ' && behind[1] == '(' && is_upper(behind[2])) {
      return 0.8;
    }
    if (i > 0 && contains(kNaming, sentence.words[i - 1].source)) return 1;
  }
  return 0;
}

// What a name is often followed by without becoming another name: "The VACUUM command rebuilds".
constexpr std::array<std::string_view, 22> kCategories = {
    "command", "statement", "function", "option",  "interface", "routine", "pragma",  "method",
    "module",  "table",     "tool",     "program", "utility",   "mode",    "system",  "feature",
    "package", "file",      "service",  "clause",  "parameter", "setting"};

// Whether word `i`, right behind a subject, has the form of a verb in the third person: "rebuilds".
// "WAL records are" has one that is none.
bool looks_like_verb(std::span<const Word> words, size_t i) {
  constexpr std::array<std::string_view, 7> kAfterNouns = {"are", "were", "have", "that",
                                                           "can", "may",  "which"};
  const std::string word = lower_of(words[i].source);
  constexpr size_t kShortest = 4;
  if (word.size() < kShortest || !word.ends_with('s') || word.ends_with("ss") ||
      word.ends_with("us") || word.ends_with("is") || !is_lower(words[i].source[0])) {
    return false;
  }
  if (contains(kCategories, std::string_view(word).substr(0, word.size() - 1))) return false;
  return i + 1 < words.size() && !contains(kAfterNouns, std::string_view(lower_of(words[i + 1].source)));
}

// Whether the word may stand between a subject and its verb without changing the subject, as in
// "TRUNCATE quickly removes" but not in "WAL records are" or "VACUUM FULL requires".
bool is_transparent(const Word& word, std::string_view sentence) {
  constexpr std::array<std::string_view, 9> kBetween = {"can",  "may",    "will",   "also", "which",
                                                        "that", "always", "simply", "only"};
  const std::string lower = lower_of(word.source);
  const bool in_brackets =
      word.source.data() > sentence.data() && *(word.source.data() - 1) == '(';
  return contains(kBetween, std::string_view(lower)) || contains(kCategories, std::string_view(lower)) ||
         lower.ends_with("ly") || in_brackets;
}

double definition_cue(const SentenceForm& sentence) {
  constexpr size_t kReach = 10;
  constexpr double kCompound = 0.5;
  constexpr double kFormOnly = 0.9;
  if (sentence.names) return 1;
  constexpr size_t kGap = 4;  // words between the subject and its verb
  const size_t n_words = std::min(sentence.words.size(), kReach);
  size_t subject = kReach;
  bool qualified = false;
  bool compound = false;
  for (size_t i = 0; i < n_words; ++i) {
    const std::string word = lower_of(sentence.words[i].source);
    if (i == 0 && contains(kCaseOpeners, word)) return expands_name(sentence);
    if (contains(kDefiningVerbs, word)) {
      if (i == 0 && sentence.leads) return 1;  // "Sets the ..." below the name of a setting
      if (subject < kReach && i - subject <= kGap) return qualified ? 0.3 : compound ? kCompound : 1;
    }
    // "DROP INDEX is" and "the free space map is" do not say what an index or a map is.
    if (subject < kReach && i > subject && i - subject <= 2 && !compound &&
        looks_like_verb(sentence.words, i)) {
      return qualified ? 0.3 : kFormOnly;
    }
    if (sentence.credits[i] > 0) {
      subject = i;
      compound = false;
    } else if (subject == kReach) {
      qualified = qualified || !(contains(kArticles, word) || is_upper(sentence.words[i].source[0]));
    } else {
      compound = compound || !is_transparent(sentence.words[i], sentence.text);
    }
  }
  if (subject < kReach && sentence.text.find(" \u2014 ") != std::string_view::npos) {
    return qualified ? 0.3 : 1;
  }
  return std::max(expands_name(sentence), sentence.leads ? 0.3 : 0.0);
}

double how_to_cue(const SentenceForm& sentence, std::string_view lower) {
  double cue = sentence.introduces ? 0.5 : 0;
  if (sentence.words.size() > 1) {
    if (contains(kImperatives, lower_of(sentence.words[0].source))) cue += 0.5;
    const bool purpose = lower.starts_with("to ") || lower.starts_with("in order to ");
    // "To take a base backup, ..." has the question's words in its purpose.
    constexpr size_t kPurposeWords = 5;
    const auto clause =
        sentence.credits.subspan(1, std::min(kPurposeWords, sentence.credits.size() - 1));
    const bool asked = std::any_of(clause.begin(), clause.end(), [](double c) { return c > 0; });
    if (purpose && asked) cue += 0.6;
  }
  if (has_any(lower, kHowToPhrases)) cue += 0.4;
  if (sentence.names) cue += 0.4;
  if (has_any(lower, kRefusals)) cue -= 0.5;
  return std::clamp(cue, 0.0, 1.0);
}

double person_cue(std::span<const Word> words) {
  for (size_t i = 2; i < words.size(); ++i) {
    if (is_upper(words[i].source[0]) && is_upper(words[i - 1].source[0])) return 0.7;
  }
  return 0;
}

}  // namespace

QuestionKind question_kind(std::string_view question) {
  const size_t start = question.find_first_not_of(" \t\r\n\"'(");
  if (start == std::string_view::npos) return QuestionKind::kOther;
  const std::string lower = lower_of(question.substr(start));
  const std::string_view text = lower;
  if (has_any(text, kComparisonPhrases)) return QuestionKind::kComparison;
  if (text.find("default") != text.npos) return QuestionKind::kDefault;
  if (has_any(text, kQuantityPhrases)) return QuestionKind::kQuantity;
  if (has_any(text, kPlacePhrases)) return QuestionKind::kPlace;
  if (text.starts_with("how ") || text.find(" how ") != text.npos) return QuestionKind::kHowTo;
  if (starts_with_any(text, kDefinitionStarts)) return QuestionKind::kDefinition;
  if (text.starts_with("when ")) return QuestionKind::kTime;
  if (text.starts_with("who ") || text.starts_with("whose ")) return QuestionKind::kPerson;
  if (text.starts_with("why ")) return QuestionKind::kReason;
  return QuestionKind::kOther;
}

double answer_cue(QuestionKind kind, const SentenceForm& sentence) {
  const std::string lower = lower_of(sentence.text);
  switch (kind) {
    case QuestionKind::kOther:
      return sentence.leads ? 0.3 : 0;
    case QuestionKind::kDefinition:
      return definition_cue(sentence);
    case QuestionKind::kHowTo:
      return how_to_cue(sentence, lower);
    case QuestionKind::kQuantity:
      return std::any_of(lower.begin(), lower.end(), is_digit) ? 1 : 0;
    case QuestionKind::kDefault:
      if (has_any(std::string_view(lower), kDefaultPhrases)) return 1;
      return lower.find("default") != lower.npos ? 0.4 : 0;
    case QuestionKind::kComparison:
      return has_any(lower, kContrasts) ? 0.8 : 0;
    case QuestionKind::kTime:
      return has_any(lower, kTimePhrases) ? 0.7 : 0;
    case QuestionKind::kPerson:
      return person_cue(sentence.words);
    case QuestionKind::kReason:
      return has_any(lower, kReasonPhrases) ? 0.8 : 0;
    case QuestionKind::kPlace:
      return has_any(lower, kPlacePhrasesInText) ? 0.7 : 0;
  }
  return 0;
}

double standing(const SentenceForm& sentence, bool starts_block) {
  if (sentence.words.empty()) return 0;
  const std::string lower = lower_of(sentence.text.substr(0, 40));
  if (starts_with_any(std::string_view(lower), kCrossReferences)) return 0.3;
  double factor = 1;
  if (sentence.text.ends_with('?')) factor *= 0.5;
  if (sentence.text.starts_with('(')) factor *= 0.75;
  if (sentence.text.find_last_of(".!?:)") == std::string_view::npos) factor *= 0.9;
  const std::string first = lower_of(sentence.words[0].source);
  if (contains(kLeaning, first) || starts_with_any(std::string_view(lower), kLeaningPhrases)) {
    factor *= 0.85;
  }
  const auto n_of = [&](char c) {
    return std::count(sentence.text.begin(), sentence.text.end(), c);
  };
  if (n_of('(') != n_of(')')) factor *= 0.8;  // a piece of a longer remark
  // A block that goes on in lower case continues the code or formula above it, unless it opens with
  // a name such as pg_dump or with a word of the question.
  const std::string_view head = sentence.text.substr(0, sentence.text.find(' '));
  if (starts_block && is_lower(head[0]) && sentence.credits[0] == 0 &&
      head.find('_') == std::string_view::npos &&
      std::none_of(head.begin(), head.end(), is_digit)) {
    factor *= 0.6;
  }
  return factor;
}

}  // namespace docmind::providers
