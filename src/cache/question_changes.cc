// What changed in the wording from one question to another, by kind.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_changes.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace docmind::cache {
namespace {

using Words = std::vector<QuestionWord>;
using Counts = std::array<uint8_t, kWordingChangeCount>;

// Words that add little to a question, in plain form and as stems.
constexpr std::string_view kFillers[] = {
    "best",  "good",  "better", "great", "way",    "method", "mean",   "kind",  "type",
    "sort",  "ever",  "realli", "actual", "exact", "easi",  "easili", "easiest", "simpl",
    "possibl", "know", "tip",   "step",  "thing",  "peopl", "person", "someon", "differ",
    "import", "main", "major",  "do",    "go",     "think", "need",   "want",  "consid",
    "someth", "anyth", "one",   "like",  "use",    "make",  "happen", "quickli", "fast", "quick",
    "effect", "reason", "caus", "list",  "exampl", "explain", "difference"};
struct FunctionKind {
  std::string_view word;
  WordingChange kind;
};
using enum WordingChange;
constexpr FunctionKind kFunctionKinds[] = {
    {"the", kArticle}, {"a", kArticle}, {"an", kArticle}, {"some", kArticle}, {"any", kArticle},
    {"really", kFiller}, {"actually", kFiller}, {"exactly", kFiller}, {"ever", kFiller},
    {"please", kFiller}, {"just", kFiller}, {"simply", kFiller}, {"basically", kFiller},
    {"guys", kFiller}, {"so", kFiller}, {"possible", kFiller}, {"possibly", kFiller},
    {"quite", kFiller}, {"rather", kFiller}, {"very", kFiller},
    {"is", kAuxiliary}, {"are", kAuxiliary}, {"am", kAuxiliary}, {"be", kAuxiliary},
    {"do", kAuxiliary}, {"does", kAuxiliary}, {"can", kAuxiliary}, {"could", kAuxiliary},
    {"has", kAuxiliary}, {"have", kAuxiliary}, {"having", kAuxiliary}, {"to", kAuxiliary},
    {"did", kTense}, {"was", kTense}, {"were", kTense}, {"had", kTense}, {"been", kTense},
    {"will", kTense}, {"would", kTense}, {"should", kTense}, {"shall", kTense}, {"must", kTense},
    {"may", kTense}, {"might", kTense},
    {"i", kPerson}, {"you", kPerson}, {"we", kPerson}, {"one", kPerson}, {"someone", kPerson},
    {"somebody", kPerson}, {"people", kPerson}, {"u", kPerson}, {"me", kPerson}, {"us", kPerson},
    {"they", kPerson}, {"them", kPerson}, {"he", kPerson}, {"she", kPerson}, {"him", kPerson},
    {"everyone", kPerson}, {"anyone", kPerson}, {"it", kPerson},
    {"my", kPossessive}, {"your", kPossessive}, {"our", kPossessive}, {"their", kPossessive},
    {"ur", kPossessive}, {"its", kPossessive}, {"his", kPossessive}, {"her", kPossessive},
    {"of", kPreposition}, {"in", kPreposition}, {"on", kPreposition}, {"at", kPreposition},
    {"for", kPreposition}, {"with", kPreposition}, {"about", kPreposition}, {"by", kPreposition},
    {"from", kPreposition}, {"into", kPreposition}, {"via", kPreposition}, {"through", kPreposition},
    {"and", kConnective}, {"or", kConnective}, {"if", kConnective}, {"that", kConnective},
    {"there", kConnective}, {"then", kConnective}, {"when", kConnective}, {"as", kConnective},
    {"what", kWhich}, {"which", kWhich}, {"whats", kWhich},
    {"how", kQuestionWord}, {"why", kQuestionWord}, {"where", kQuestionWord},
    {"who", kQuestionWord}, {"whom", kQuestionWord}, {"whose", kQuestionWord}};

WordingChange function_kind(std::string_view text) {
  const auto known = std::find_if(std::begin(kFunctionKinds), std::end(kFunctionKinds),
                                  [&](const FunctionKind& kind) { return kind.word == text; });
  return known == std::end(kFunctionKinds) ? kOtherFunction : known->kind;
}

// The words of one question left over once those that both have as written are taken out.
std::vector<size_t> only_here(const Words& words, const Words& others) {
  std::unordered_map<std::string_view, size_t> there;
  for (const QuestionWord& word : others) ++there[word.text];
  std::vector<size_t> left;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto found = there.find(words[i].text);
    if (found != there.end() && found->second > 0) {
      --found->second;
    } else {
      left.push_back(i);
    }
  }
  return left;
}

bool is_plural_of(std::string_view longer, std::string_view shorter) {
  if (!longer.ends_with('s')) return false;
  longer.remove_suffix(1);
  if (longer == shorter) return true;
  if (longer.ends_with('e') && longer.substr(0, longer.size() - 1) == shorter) return true;
  return longer.ends_with("ie") && shorter.ends_with('y') &&
         longer.substr(0, longer.size() - 2) == shorter.substr(0, shorter.size() - 1);
}

class Changes {
 public:
  Changes(const QuestionText& left, const QuestionText& right, const Pairing& pairing)
      : left_(left), right_(right), pairing_(pairing) {}

  Counts count() {
    std::vector<size_t> ours = only_here(left_.words, right_.words);
    std::vector<size_t> theirs = only_here(right_.words, left_.words);
    take_forms(ours, theirs);
    // A swap within a kind is one change.
    Sums left{};
    Sums right{};
    add_rest(left_.words, pairing_.left, ours, left);
    add_rest(right_.words, pairing_.right, theirs, right);
    Counts counts{};
    for (size_t i = 0; i < counts.size(); ++i) {
      const size_t n = forms_[i] + std::max(left[i], right[i]);
      counts[i] = static_cast<uint8_t>(std::min<size_t>(n, 255));
    }
    return counts;
  }

 private:
  using Sums = std::array<size_t, kWordingChangeCount>;

  // Topic words with one stem on both sides; what is left stays in the lists.
  void take_forms(std::vector<size_t>& ours, std::vector<size_t>& theirs) {
    std::unordered_map<std::string_view, std::vector<size_t>> by_stem;
    for (const size_t j : theirs) {
      if (!right_.words[j].stop) by_stem[right_.words[j].stem].push_back(j);
    }
    std::vector<bool> taken(right_.words.size());
    std::vector<size_t> rest;
    for (const size_t i : ours) {
      const QuestionWord& word = left_.words[i];
      const auto found = by_stem.find(word.stem);
      if (word.stop || found == by_stem.end() || found->second.empty()) {
        rest.push_back(i);
        continue;
      }
      const std::string_view other = right_.words[found->second.back()].text;
      taken[found->second.back()] = true;
      found->second.pop_back();
      const bool plural = is_plural_of(word.text, other) || is_plural_of(other, word.text);
      ++forms_[static_cast<size_t>(plural ? kPlural : kForm)];
    }
    ours = std::move(rest);
    std::erase_if(theirs, [&](size_t j) { return taken[j]; });
  }

  static void add_rest(const Words& words, const std::vector<bool>& paired,
                       const std::vector<size_t>& places, Sums& sums) {
    for (const size_t i : places) ++sums[static_cast<size_t>(kind_of(words[i], paired[i]))];
  }

  static WordingChange kind_of(const QuestionWord& word, bool paired) {
    if (word.stop) return function_kind(word.text);
    if (paired) return kSpelling;
    if (is_filler(word)) return kFiller;
    return word.common ? kCommonTopic : kRareTopic;
  }

  const QuestionText& left_;
  const QuestionText& right_;
  const Pairing& pairing_;
  Sums forms_{};
};

}  // namespace

bool is_filler(const QuestionWord& word) {
  return word.stop || std::find(std::begin(kFillers), std::end(kFillers), word.stem) !=
                          std::end(kFillers);
}

std::array<uint8_t, kWordingChangeCount> wording_changes(const QuestionText& left,
                                                         const QuestionText& right,
                                                         const Pairing& pairing) {
  return Changes(left, right, pairing).count();
}

}  // namespace docmind::cache
