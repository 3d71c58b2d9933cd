// Negation and antonyms: words that turn a question into its opposite.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_opposites.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/question_lists.h"

namespace docmind::cache {
namespace {

using Words = std::vector<QuestionWord>;
using Pair = std::pair<std::string_view, std::string_view>;

// In plain form; compared by stem.
constexpr Pair kAntonyms[] = {
    {"enable", "disable"}, {"increase", "decrease"}, {"increase", "reduce"}, {"gain", "lose"},
    {"buy", "sell"}, {"start", "stop"}, {"start", "end"}, {"begin", "end"}, {"open", "close"},
    {"best", "worst"}, {"good", "bad"}, {"better", "worse"}, {"advantage", "disadvantage"},
    {"benefit", "disadvantage"}, {"pros", "cons"}, {"love", "hate"}, {"like", "dislike"},
    {"like", "hate"}, {"old", "new"}, {"old", "young"}, {"young", "elder"}, {"hot", "cold"},
    {"high", "low"}, {"higher", "lower"}, {"highest", "lowest"}, {"big", "small"},
    {"large", "small"}, {"long", "short"}, {"tall", "short"}, {"fast", "slow"}, {"easy", "hard"},
    {"easy", "difficult"}, {"hardest", "easiest"}, {"strong", "weak"}, {"rich", "poor"},
    {"cheap", "expensive"}, {"early", "late"}, {"first", "last"}, {"before", "after"},
    {"above", "below"}, {"inside", "outside"}, {"internal", "external"}, {"up", "down"},
    {"left", "right"}, {"on", "off"}, {"in", "out"}, {"install", "uninstall"}, {"upload", "download"},
    {"push", "pull"}, {"add", "remove"}, {"create", "delete"}, {"insert", "delete"},
    {"allow", "forbid"}, {"allow", "block"}, {"allow", "ban"}, {"legal", "illegal"},
    {"minimum", "maximum"}, {"min", "max"}, {"most", "least"}, {"more", "less"}, {"male", "female"},
    {"man", "woman"}, {"men", "women"}, {"boy", "girl"}, {"boyfriend", "girlfriend"},
    {"husband", "wife"}, {"father", "mother"}, {"brother", "sister"}, {"son", "daughter"},
    {"white", "black"}, {"north", "south"}, {"east", "west"}, {"import", "export"},
    {"encode", "decode"}, {"encrypt", "decrypt"}, {"compress", "decompress"}, {"encrypt", "decode"},
    {"lock", "unlock"}, {"connect", "disconnect"}, {"public", "private"}, {"positive", "negative"},
    {"active", "passive"}, {"success", "failure"}, {"succeed", "fail"}, {"win", "lose"},
    {"accept", "reject"}, {"accept", "refuse"}, {"agree", "disagree"}, {"remember", "forget"},
    {"hire", "fire"}, {"join", "leave"}, {"enter", "leave"}, {"enter", "exit"}, {"birth", "death"},
    {"live", "die"}, {"alive", "dead"}, {"healthy", "unhealthy"}, {"happy", "sad"},
    {"happy", "unhappy"}, {"true", "false"}, {"input", "output"}, {"horizontal", "vertical"},
    {"hardware", "software"}, {"asleep", "awake"}, {"sleep", "wake"}, {"strength", "weakness"},
    {"inhale", "exhale"}, {"expand", "contract"}, {"expand", "shrink"}, {"deposit", "withdraw"},
    {"lend", "borrow"}, {"give", "take"}, {"send", "receive"}, {"introvert", "extrovert"},
    {"liberal", "conservative"}, {"acid", "base"}, {"atheist", "religious"}, {"show", "hide"},
    {"attract", "repel"}, {"grant", "revoke"}, {"freeze", "thaw"}, {"raise", "lower"},
    {"raise", "reduce"}, {"improve", "worsen"}, {"include", "exclude"}, {"major", "minor"},
    {"domestic", "foreign"}, {"adult", "kid"}, {"adult", "child"}, {"interesting", "boring"},
    {"useful", "useless"}, {"important", "unimportant"}, {"over", "under"}, {"similar", "different"},
    {"similarity", "difference"}, {"mount", "unmount"}, {"subscribe", "unsubscribe"},
    {"block", "unblock"}, {"delete", "restore"}, {"delete", "recover"}, {"hide", "unhide"},
    {"overrated", "underrated"}, {"overweight", "underweight"}, {"upgrade", "downgrade"},
    {"profit", "loss"}, {"supply", "demand"}, {"synchronous", "asynchronous"},
    {"ascending", "descending"}, {"oldest", "youngest"}, {"oldest", "newest"}, {"biggest", "smallest"},
    {"largest", "smallest"}, {"longest", "shortest"}, {"fastest", "slowest"}, {"cheapest", "expensive"}};

// What already negates within the word; "not" beside it takes that back.
constexpr std::string_view kNegativeWords[] = {"impossible", "unable", "incapable", "unavailable"};
constexpr std::string_view kNegations[] = {
    "not",     "never",   "without", "no",      "none",    "nobody", "nothing", "nowhere",
    "neither", "nor",     "cannot",  "cant",    "dont",    "doesnt", "didnt",   "isnt",
    "arent",   "wasnt",   "werent",  "wont",    "shouldnt", "couldnt", "wouldnt", "havent",
    "hasnt",   "hadnt",   "non",     "ain",     "aint",    "no-one", "hardly",  "barely"};

std::string_view written_at(const Words& words, size_t i) {
  return i < words.size() ? std::string_view(words[i].text) : std::string_view();
}

// Uses of the word that deny nothing.
bool is_idiom(const Words& words, size_t i) {
  const std::string_view word = words[i].text;
  const std::string_view before = i > 0 ? written_at(words, i - 1) : std::string_view();
  const std::string_view after = written_at(words, i + 1);
  if (word == "not") {
    const bool ends = i + 1 == words.size() || words[i + 1].starts_sentence;
    return before == "or" || (before == "why" && ends) || (before == "if" && ends) ||
           after == "only" || after == "just" || is_in(kNegativeWords, after);
  }
  if (word == "no") {
    return before == "or" || before == "yes" || after == "doubt" || after == "matter" ||
           (i + 1 < words.size() && words[i + 1].has_digit);
  }
  return false;
}

// The first word that negates; nullptr: none does.
const QuestionWord* negation_of(const QuestionText& question) {
  const Words& words = question.words;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool denied = i > 0 && words[i - 1].text == "not";
    if (is_in(kNegativeWords, words[i].text) && !denied) return &words[i];
    if (is_in(kNegations, words[i].text) && !is_idiom(words, i)) return &words[i];
  }
  return nullptr;
}

using Forms = std::vector<std::string_view>;

Forms forms_of(const QuestionText& question) {
  Forms forms;
  for (const QuestionWord& word : question.words) {
    forms.push_back(word.text);
    forms.push_back(word.stem);
  }
  std::sort(forms.begin(), forms.end());
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  return forms;
}

// Those that the other question lacks: mostly few, so that a list of opposites is soon looked through.
Forms only_in(const Forms& forms, const Forms& others) {
  Forms only;
  std::set_difference(forms.begin(), forms.end(), others.begin(), others.end(),
                      std::back_inserter(only));
  return only;
}

bool contains(const Forms& forms, std::string_view form) {
  return std::binary_search(forms.begin(), forms.end(), form);
}

// Forms by ending, since the list is in plain form: "increasing", "reduces".
bool has_form(const Forms& forms, std::string_view plain) {
  if (contains(forms, plain)) return true;
  if (plain.size() < 4) return contains(forms, std::string(plain) + "s");
  const std::string_view cut = plain.ends_with('e') || plain.ends_with('y')
                                   ? plain.substr(0, plain.size() - 1) : plain;
  return contains(forms, cut) || contains(forms, std::string(cut) + "i");  // Porter: "happi"
}

// Whether `a` is the left question's alone and `b` the right one's.
bool face(const Forms& only_left, const Forms& only_right, const Forms& left, const Forms& right,
          std::string_view a, std::string_view b) {
  return has_form(only_left, a) && has_form(only_right, b) && !has_form(right, a) &&
         !has_form(left, b);
}

}  // namespace

std::string differing_negation(const QuestionText& left, const QuestionText& right) {
  const QuestionWord* ours = negation_of(left);
  const QuestionWord* theirs = negation_of(right);
  if ((ours == nullptr) == (theirs == nullptr)) return {};
  return (ours != nullptr ? ours->text : "none") + ", " + (theirs != nullptr ? theirs->text : "none");
}

std::string facing_antonyms(const QuestionText& left, const QuestionText& right) {
  const Forms ours = forms_of(left);
  const Forms theirs = forms_of(right);
  const Forms only_ours = only_in(ours, theirs);
  const Forms only_theirs = only_in(theirs, ours);
  if (only_ours.empty() || only_theirs.empty()) return {};
  for (const auto& [a, b] : kAntonyms) {
    if (face(only_ours, only_theirs, ours, theirs, a, b)) {
      return std::string(a) + ", " + std::string(b);
    }
    if (face(only_ours, only_theirs, ours, theirs, b, a)) {
      return std::string(b) + ", " + std::string(a);
    }
  }
  return {};
}

}  // namespace docmind::cache
