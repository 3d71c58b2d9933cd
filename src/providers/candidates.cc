// Candidate sentences of the passages, scored against a question.
// SPDX-License-Identifier: Apache-2.0
#include "providers/candidates.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/hash.h"
#include "providers/heading_names.h"

namespace docmind::providers {
namespace {

// How far a question word counts that stands not in the sentence but
constexpr double kNearHeading = 0.75;     // in the heading or term above it,
constexpr double kLeadHeading = 0.95;     // ... directly above it,
constexpr double kPassageContext = 0.5;   // in the section path or title,
constexpr double kSentenceBefore = 0.35;  // in the sentence before it in its paragraph,
constexpr double kLeadContext = 0.8;      // in the section path, for the first sentence of a section.

constexpr double kTermHeading = 0.8;  // in the name of the setting or option it describes,
constexpr double kCueWeight = 0.55;
constexpr double kPhraseWeight = 0.4;   // for the question's words side by side
constexpr double kReversed = 0.8;       // ... in the other order
constexpr double kDensityWeight = 0.1;  // for saying little else
constexpr double kRankDecay = 0.03;
constexpr double kOwnShare = 0.55;  // the rest is coverage with context
constexpr double kExactName = 0.95;  // in a heading that is just the question's name for something
constexpr double kNamed = 1.15;      // for the first sentence below it
constexpr double kMainShare = 0.3;   // of the question, that makes such a heading its subject
constexpr double kOtherName = 0.5;  // taken off below a name that is only partly the question's
constexpr size_t kNameBlocks = 3;   // how far below a heading its name is what is spoken of

double kind_factor(BlockKind kind) {
  switch (kind) {
    case BlockKind::kProse:
      return 1;
    case BlockKind::kItem:
      return 0.9;
    case BlockKind::kTable:
      return 0.9;
    case BlockKind::kCode:
      return 0;
    case BlockKind::kHeading:
      return 0;
  }
  return 0;
}

double length_factor(size_t n_words, BlockKind kind) {
  if (kind == BlockKind::kTable) return n_words > 2 && n_words < 40 ? 1 : 0.5;
  if (n_words < 3) return 0.3;
  if (n_words < 8) return 0.75 + 0.04 * static_cast<double>(n_words - 3);
  constexpr size_t kLong = 30;
  return n_words <= kLong ? 1
                          : std::sqrt(static_cast<double>(kLong) / static_cast<double>(n_words));
}

// Lists of links and tables of contents: nearly every word starts with a capital, and no sentence
// end follows.
bool is_navigation(std::span<const Word> words, std::string_view text) {
  const size_t link = text.find(".html");
  if (link != text.npos && text.find(".html", link + 1) != text.npos) return true;
  if (words.size() < 6 || text.ends_with('.') || text.ends_with(':')) return false;
  const auto n_capital = std::count_if(words.begin(), words.end(), [](const Word& word) {
    return !word.source.empty() && !(word.source[0] >= 'a' && word.source[0] <= 'z');
  });
  return static_cast<size_t>(n_capital) * 5 >= words.size() * 4;
}

std::vector<uint64_t> stem_hashes(std::span<const Word> words) {
  std::vector<uint64_t> hashes;
  for (const Word& word : words) {
    if (!word.stop) hashes.push_back(hash64(word.stem));
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

// Share of the content words that are words of the question.
double density(const SentenceForm& form) {
  size_t n_content = 0;
  double sum = 0;
  for (size_t i = 0; i < form.words.size(); ++i) {
    n_content += form.words[i].stop ? 0 : 1;
    sum += form.credits[i];
  }
  return n_content == 0 ? 0 : std::min(1.0, sum / static_cast<double>(n_content));
}

// Goes through the sentences of one passage.
class PassageScorer {
 public:
  PassageScorer(QuestionKind kind, const Relevance& relevance, WordAnalyzer& analyzer,
                std::span<const Passage> passages, size_t passage)
      : kind_(kind), relevance_(relevance), passage_(passages[passage]), index_(passage) {
    const size_t n_terms = relevance.terms().size();
    context_.assign(n_terms, 0);
    heading_.assign(n_terms, 0);
    before_.assign(n_terms, 0);
    relevance.credit(analyzer, passage_.heading, context_);
    relevance.credit(analyzer, passage_.title, context_);
    words_ = analyzer.analyze(passage_.text);
  }

  size_t n_words() const { return words_.size(); }

  void run(const std::vector<Sentence>& sentences, std::vector<Candidate>& out) {
    size_t word = 0;
    for (size_t i = 0; i < sentences.size(); ++i) {
      while (word < words_.size() && words_[word].offset < sentences[i].begin) ++word;
      const size_t first = word;
      while (word < words_.size() && words_[word].offset < sentences[i].end) ++word;
      visit(sentences, i, std::span(words_).subspan(first, word - first), out);
    }
  }

 private:
  void visit(const std::vector<Sentence>& sentences, size_t i, std::span<const Word> words,
             std::vector<Candidate>& out) {
    const Sentence& sentence = sentences[i];
    const bool starts_block = i == 0 || sentences[i - 1].block != sentence.block;
    std::vector<double> own(relevance_.terms().size(), 0);
    const std::vector<double> word_credits = credit_words(words, own);
    if (sentence.kind == BlockKind::kHeading)
      return pass_heading(sentence, i, words, word_credits, own);
    if (starts_block) std::fill(before_.begin(), before_.end(), 0);
    const bool more = i + 1 < sentences.size();
    const SentenceForm form{
        .text = passage_.text.substr(sentence.begin, sentence.end - sentence.begin),
        .words = words,
        .credits = word_credits,
        .leads = leads_ && relevance_.share(heading_) > 0,
        .names = leads_ && exact_name() && relevance_.share(heading_) >= kMainShare,
        .introduces = more && sentences[i + 1].block != sentence.block &&
                      sentence.kind == BlockKind::kProse &&
                      (sentences[i + 1].kind == BlockKind::kCode ||
                       sentences[i + 1].kind == BlockKind::kItem)};
    score(sentence, i, form, starts_block, own, out);
    before_ = std::move(own);
    leads_ = false;
  }

  void pass_heading(const Sentence& sentence, size_t i, std::span<const Word> words,
                    std::span<const double> word_credits, const std::vector<double>& own) {
    if (!leads_) {
      std::fill(heading_.begin(), heading_.end(), 0);
      heading_closeness_ = 0;
    }
    const std::string_view text =
        passage_.text.substr(sentence.begin, sentence.end - sentence.begin);
    names_term_ = may_be_name(text);
    name_ = is_name(text) ? text : std::string_view();
    name_sentence_ = i;
    name_block_ = sentence.block;
    // A heading that names something longer ("maintenance_work_mem" for "work_mem") counts less;
    // the kind in "work_mem (integer)" is not part of the name.
    const size_t name_end = sentence.begin + std::min(text.find(" ("), text.size());
    size_t n_name = words.size();
    while (names_term_ && n_name > 1 && words[n_name - 1].offset >= name_end) --n_name;
    const double precision = heading_precision(words.first(n_name), word_credits);
    for (size_t t = 0; t < own.size(); ++t) {
      heading_[t] = std::max(heading_[t], own[t] * (0.7 + 0.3 * precision));
    }
    heading_precision_ = precision;
    heading_closeness_ = std::max(heading_closeness_, precision * closeness(words));
    leads_ = true;
  }

  // How near to each other the neighbours of the question stand here, 0..1 (stop words do not count
  // as distance).
  double closeness(std::span<const Word> words) const {
    const auto terms = relevance_.terms();
    if (terms.size() < 2) return 0;
    constexpr size_t kNever = SIZE_MAX;
    std::vector<size_t> last(terms.size(), kNever);
    std::vector<double> near(terms.size() - 1, 0);
    size_t at = 0;
    for (const Word& word : words) {
      if (word.stop) continue;
      ++at;
      for (size_t t = 0; t < terms.size(); ++t) {
        if (terms[t].stem != word.stem) continue;
        last[t] = at;
        if (t > 0 && last[t - 1] != kNever)
          near[t - 1] = std::max(near[t - 1], proximity(at - last[t - 1]));
        if (t + 1 < terms.size() && last[t + 1] != kNever) {
          near[t] = std::max(near[t], kReversed * proximity(at - last[t + 1]));
        }
      }
    }
    double sum = 0;
    double all = 0;
    for (size_t t = 0; t < near.size(); ++t) {
      const double weight = std::min(terms[t].weight, terms[t + 1].weight);
      all += weight;
      sum += weight * near[t];
    }
    return all > 0 ? sum / all : 0;
  }

  // Whether the last heading says nothing but words of the question.
  bool exact_name() const { return heading_precision_ > 0.99; }

  static double proximity(size_t distance) {
    constexpr size_t kNear = 3;
    constexpr size_t kFar = 6;
    return distance <= 1 ? 1 : distance <= kNear ? 0.5 : distance <= kFar ? 0.25 : 0;
  }

  std::vector<double> credit_words(std::span<const Word> words, std::vector<double>& own) const {
    std::vector<double> word_credits;
    word_credits.reserve(words.size());
    std::vector<double> one(own.size(), 0);
    for (size_t i = 0; i < words.size();) {
      // An identifier such as hash_mem_multiplier is one name: credit for a part of it is reduced.
      size_t end = i + 1;
      while (end < words.size() && joined(words[end - 1], words[end])) ++end;
      const size_t first = i;
      std::vector<std::vector<double>> parts;
      size_t n_known = 0;
      for (; i < end; ++i) {
        std::fill(one.begin(), one.end(), 0);
        relevance_.credit(words[i], one);
        word_credits.push_back(one.empty() ? 0 : *std::max_element(one.begin(), one.end()));
        n_known += word_credits.back() > 0 ? 1 : 0;
        parts.push_back(one);
      }
      const double whole =
          0.5 + 0.5 * static_cast<double>(n_known) / static_cast<double>(end - first);
      for (const std::vector<double>& part : parts) {
        for (size_t t = 0; t < own.size(); ++t) own[t] = std::max(own[t], whole * part[t]);
      }
    }
    return word_credits;
  }

  static bool joined(const Word& word, const Word& next) {
    const char* behind = word.source.data() + word.source.size();
    return behind + 1 == next.source.data() && *behind == '_';
  }

  void score(const Sentence& sentence, size_t i, const SentenceForm& form, bool starts_block,
             const std::vector<double>& own, std::vector<Candidate>& out) const {
    if (kind_factor(sentence.kind) <= 0 || is_navigation(form.words, form.text)) return;
    if (form.text.ends_with('?')) return;  // a question answers none
    Candidate found;
    found.passage = index_;
    found.sentence = i;
    found.n_words = form.words.size();
    found.standing = standing(form, starts_block);
    found.credits = own;
    std::vector<double> support = own;
    std::vector<double> said = own;  // "work_mem (integer)" and "Sets ..." are one statement
    for (size_t t = 0; t < own.size(); ++t) {
      const double above = (form.leads                      ? kLeadHeading
                            : names_term_ && exact_name() ? kExactName
                            : names_term_                 ? kTermHeading
                                                          : kNearHeading) *
                           heading_[t];
      const double context = (form.leads ? kLeadContext : kPassageContext) * context_[t];
      found.credits[t] = std::max({own[t], above, context, kSentenceBefore * before_[t]});
      if (form.leads || names_term_) said[t] = std::max(said[t], above);
      support[t] = std::max({own[t], heading_[t], context_[t], before_[t]});
    }
    found.support = relevance_.share(support);
    found.stems = stem_hashes(form.words);
    const double coverage =
        kOwnShare * relevance_.share(said) + (1 - kOwnShare) * relevance_.share(found.credits);
    const double near_here = closeness(form.words);
    const double near = names_term_ && exact_name() ? std::min(1.0, near_here + heading_closeness_)
                        : form.leads                ? std::max(near_here, heading_closeness_)
                                                    : near_here;
    found.score = coverage * (1 + kCueWeight * answer_cue(kind_, form)) *
                  (1 + kDensityWeight * density(form)) * (1 + kPhraseWeight * near) *
                  (form.names ? kNamed : 1) * found.standing * length_factor(form.words.size(), sentence.kind) *
                  kind_factor(sentence.kind) / (1 + kRankDecay * static_cast<double>(index_));
    if (!name_.empty() && heading_precision_ > 0) found.score *= 1 - kOtherName * (1 - heading_precision_);
    if (relevance_.share(own) <= 0 && !form.leads) found.score = 0;
    if (!name_.empty() && sentence.block <= name_block_ + kNameBlocks &&
        form.text.find(bare_name(name_)) == std::string_view::npos) {
      found.name = name_sentence_;
    }
    out.push_back(std::move(found));
  }

  QuestionKind kind_;
  const Relevance& relevance_;
  const Passage& passage_;
  size_t index_;
  std::vector<Word> words_;
  std::vector<double> context_;  // [terms], credits of title and section path
  std::vector<double> heading_;  // of the headings last passed
  std::vector<double> before_;   // of the sentence before in the same block
  bool leads_ = false;           // a heading has just been passed
  double heading_closeness_ = 0;
  bool names_term_ = false;  // that heading is the name of a setting, option or function
  std::string_view name_;    // the same, judged more strictly; empty: it is not
  size_t name_sentence_ = 0;
  uint32_t name_block_ = 0;
  double heading_precision_ = 0;  // how far its words are the question's
};

}  // namespace

CandidateSet find_candidates(std::string_view question, std::span<const Passage> passages,
                             const Relevance& relevance, const CancelToken& cancel) {
  CandidateSet set;
  const QuestionKind kind = question_kind(question);
  WordAnalyzer analyzer;
  for (size_t p = 0; p < passages.size() && !cancel.cancelled(); ++p) {
    set.sentences.push_back(split_sentences(passages[p].text));
    PassageScorer scorer(kind, relevance, analyzer, passages, p);
    scorer.run(set.sentences.back(), set.candidates);
    set.n_words_read += scorer.n_words();
  }
  return set;
}

double overlap(const Candidate& a, const Candidate& b) {
  const size_t smaller = std::min(a.stems.size(), b.stems.size());
  if (smaller == 0) return 0;
  size_t n_shared = 0;
  for (auto i = a.stems.begin(), j = b.stems.begin(); i != a.stems.end() && j != b.stems.end();) {
    if (*i == *j) {
      ++n_shared;
      ++i;
      ++j;
    } else if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  return static_cast<double>(n_shared) / static_cast<double>(smaller);
}

}  // namespace docmind::providers
