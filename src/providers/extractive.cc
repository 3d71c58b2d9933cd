// ExtractiveGenerator: answers with the passages' own sentences; needs no model.
// SPDX-License-Identifier: Apache-2.0
#include "providers/extractive.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "providers/candidates.h"
#include "providers/heading_names.h"
#include "providers/selection.h"

namespace docmind::providers {
namespace {

constexpr size_t kMaxItems = 6;  // list items that follow their introduction
constexpr size_t kMaxCodeLines = 12;
constexpr size_t kMaxCompanionBytes = 800;

// A part of the answer: a span of a passage and how it is shown.
struct Part {
  size_t passage = 0;
  size_t sentence = 0;
  size_t begin = 0;
  size_t end = 0;
  BlockKind kind = BlockKind::kProse;
  bool names = false;  // a heading that goes before the next part: "work_mem (integer): Sets ..."
};

size_t count_words(std::string_view text) {
  size_t n_words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    n_words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return n_words;
}

// The end of the first `n_words` words of `text`.
size_t end_of_words(std::string_view text, size_t n_words) {
  size_t at = 0;
  for (size_t n = 0; n < n_words && at < text.size(); ++n) {
    at = std::min(text.find_first_not_of(" \t\r\n\f\v", at), text.size());
    at = std::min(text.find_first_of(" \t\r\n\f\v", at), text.size());
  }
  return at;
}

// A chosen sentence and the heading that names what it is about (Candidate::kNoName: none).
struct Pick {
  size_t sentence = 0;
  size_t name = Candidate::kNoName;
};

// Plans the parts of the answer, then writes them.
class Composer {
 public:
  Composer(const GenerateRequest& request, const CandidateSet& set)
      : request_(request), set_(set) {}

  void plan(const std::vector<size_t>& chosen) {
    std::vector<size_t> order;  // passages by their best sentence
    for (const size_t c : chosen) {
      const size_t passage = set_.candidates[c].passage;
      if (std::find(order.begin(), order.end(), passage) == order.end()) order.push_back(passage);
    }
    for (const size_t passage : order) {
      std::vector<Pick> picks;
      for (const size_t c : chosen) {
        const Candidate& candidate = set_.candidates[c];
        if (candidate.passage == passage) picks.push_back({candidate.sentence, candidate.name});
      }
      std::sort(picks.begin(), picks.end(),
                [](const Pick& a, const Pick& b) { return a.sentence < b.sentence; });
      for (size_t k = 0; k < picks.size(); ++k) add_pick(passage, picks, k);
    }
  }

  Status write(const TextSink& sink, const CancelToken& cancel, GenerateResult& result) const {
    for (size_t i = 0; i < parts_.size(); ++i) {
      const std::string piece = piece_of(i);
      if (cancel.cancelled() || (sink && !sink(piece))) {
        return Error{ErrorCode::kCancelled, "the answer was cancelled"};
      }
      result.text += piece;
      result.evidence.push_back({parts_[i].passage, parts_[i].begin, parts_[i].end});
    }
    return {};
  }

  // Shortens a first part that alone is over the limit; true when it did.
  bool shorten(size_t max_words) {
    Part& first = parts_.front();
    const std::string_view text = span(first);
    if (count_words(quote_of(text)) <= max_words) return false;
    first.end = first.begin + end_of_words(text, max_words);
    parts_.resize(1);
    return true;
  }

 private:
  std::string_view span(const Part& part) const {
    return request_.passages[part.passage].text.substr(part.begin, part.end - part.begin);
  }

  void add_pick(size_t passage, const std::vector<Pick>& picks, size_t k) {
    const std::vector<Sentence>& sentences = set_.sentences[passage];
    const size_t i = picks[k].sentence;
    if (!parts_.empty() && parts_.back().passage == passage && parts_.back().sentence >= i) return;
    if (picks[k].name != Candidate::kNoName && !says_name(passage, picks[k].name)) {
      add(passage, picks[k].name);
      parts_.back().names = true;
    }
    const size_t n_before = parts_.size();
    add(passage, i);
    if (parts_.size() == n_before) return;
    // What the sentence introduces stands in the blocks after its own.
    size_t next = i + 1;
    if (next >= sentences.size() || sentences[next].block == sentences[i].block) return;
    if (sentences[i].kind != BlockKind::kProse) return;
    if (sentences[next].kind == BlockKind::kCode) {
      add(passage, next);
    } else if (sentences[next].kind != BlockKind::kProse && span(parts_.back()).ends_with(':')) {
      add_items(passage, next);
    }
  }

  // Whether a part of this passage already has the name that heading `i` gives.
  bool says_name(size_t passage, size_t i) const {
    const Sentence& heading = set_.sentences[passage][i];
    const std::string_view name = bare_name(
        request_.passages[passage].text.substr(heading.begin, heading.end - heading.begin));
    return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
      return part.passage == passage && span(part).find(name) != std::string_view::npos;
    });
  }

  // The first sentences of up to kMaxItems list items, rows or bare lines from `next` on.
  void add_items(size_t passage, size_t next) {
    const std::vector<Sentence>& sentences = set_.sentences[passage];
    size_t n_bytes = 0;
    size_t n_items = 0;
    const BlockKind kind = sentences[next].kind;
    for (; next < sentences.size() && sentences[next].kind == kind; ++next) {
      if (sentences[next].block == sentences[next - 1].block) continue;
      n_bytes += sentences[next].end - sentences[next].begin;
      if (++n_items > kMaxItems || n_bytes > kMaxCompanionBytes) return;
      add(passage, next);
    }
  }

  void add(size_t passage, size_t i) {
    const Sentence& sentence = set_.sentences[passage][i];
    Part part{passage, i, sentence.begin, sentence.end, sentence.kind};
    if (part.kind == BlockKind::kCode) trim_code(part);
    if (part.begin >= part.end) return;
    // The first part is always taken; shorten() deals with it.
    const size_t n_words = count_words(quote_of(span(part)));
    if (!parts_.empty() && n_words_ + n_words > static_cast<size_t>(request_.max_tokens)) return;
    n_words_ += n_words;
    parts_.push_back(part);
  }

  // Without the fences, and cut at a line end when it is long.
  void trim_code(Part& part) const {
    const std::string_view text = request_.passages[part.passage].text;
    const auto line_end = [&](size_t at) { return std::min(text.find('\n', at), part.end); };
    if (is_fence(text.substr(part.begin)))
      part.begin = std::min(line_end(part.begin) + 1, part.end);
    size_t end = part.begin;
    for (size_t n = 0; n < kMaxCodeLines && end < part.end; ++n) {
      const size_t stop = line_end(end);
      if (is_fence(text.substr(end, stop - end)) || stop - part.begin > kMaxCompanionBytes) break;
      end = stop < part.end ? stop + 1 : stop;
    }
    while (end > part.begin && (text[end - 1] == '\n' || text[end - 1] == ' ')) --end;
    part.end = end;
  }

  static bool on_own_lines(const Part& part) {
    return part.kind == BlockKind::kCode || part.kind == BlockKind::kItem ||
           part.kind == BlockKind::kTable || (part.kind == BlockKind::kHeading && !part.names);
  }

  // The text of part `i` with what separates it from the part before and the mark behind it.
  std::string piece_of(size_t i) const {
    const Part& part = parts_[i];
    std::string piece;
    const bool first_of_passage = i == 0 || parts_[i - 1].passage != part.passage;
    const bool layout = i > 0 && (on_own_lines(part) || on_own_lines(parts_[i - 1]) ||
                                  !ends_like_sentence(parts_[i - 1]));
    if (i > 0) piece = separator(first_of_passage, layout, parts_[i - 1].kind, part.kind);
    if (i > 0 && parts_[i - 1].names) piece = ": ";
    if (part.kind == BlockKind::kCode) {
      piece += "    ";
      for (const char c : quote_lines_of(span(part))) {
        piece.push_back(c);
        if (c == '\n') piece += "    ";
      }
    } else {
      piece += quote_of(span(part));
    }
    const bool last_of_passage = i + 1 == parts_.size() || parts_[i + 1].passage != part.passage;
    if (last_of_passage) {
      piece += part.kind == BlockKind::kCode ? "\n\n[" : " [";
      piece += std::to_string(part.passage + 1) + "]";
    }
    return piece;
  }

  static std::string_view separator(bool first_of_passage, bool layout, BlockKind before,
                                    BlockKind kind) {
    if (first_of_passage || before == BlockKind::kCode || kind == BlockKind::kCode) return "\n\n";
    return layout ? "\n" : " ";
  }

  // Sources leave out the full stop in tables and lists of terms.
  bool ends_like_sentence(const Part& part) const {
    const std::string_view text = span(part);
    return text.find_last_of(".?!:)\"") == text.size() - 1 || text.ends_with("\u201d") ||
           text.ends_with("\u3002");
  }

  const GenerateRequest& request_;
  const CandidateSet& set_;
  std::vector<Part> parts_;
  size_t n_words_ = 0;
};

Status check(const GenerateRequest& request) {
  if (request.max_tokens < 1 || request.max_sentences < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "an answer needs room: max_tokens (got " + std::to_string(request.max_tokens) +
                     ") and max_sentences (got " + std::to_string(request.max_sentences) +
                     ") must be at least 1"};
  }
  return {};
}

}  // namespace

Result<GenerateResult> ExtractiveGenerator::generate(const GenerateRequest& request,
                                                     const TextSink& sink,
                                                     const CancelToken& cancel) const {
  DM_TRY(check(request));
  const Relevance relevance(request.question, idf_);
  const CandidateSet set = find_candidates(request.question, request.passages, relevance, cancel);
  if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "the answer was cancelled"};
  GenerateResult result;
  result.n_prompt_tokens = static_cast<int64_t>(set.n_words_read);
  const SelectionLimits limits{.min_support = options_.min_support,
                               .max_sentences = static_cast<size_t>(request.max_sentences),
                               .max_words = static_cast<size_t>(request.max_tokens)};
  const std::vector<size_t> chosen = select_sentences(set, relevance, limits);
  result.answered = !chosen.empty();
  result.finish_reason = result.answered ? "stop" : "no_answer";
  if (!result.answered) return result;
  Composer composer(request, set);
  composer.plan(chosen);
  if (composer.shorten(limits.max_words)) result.finish_reason = "length";
  DM_TRY(composer.write(sink, cancel, result));
  result.n_completion_tokens = static_cast<int64_t>(count_words(result.text));
  return result;
}

}  // namespace docmind::providers
