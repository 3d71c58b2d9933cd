// Labelled question pairs, embedded, each question asked of the questions inserted before.
// SPDX-License-Identifier: Apache-2.0
#include "semantic_pairs.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "base/ascii.h"
#include "base/file.h"
#include "base/json.h"
#include "cache/normalise_question.h"
#include "cache/question_guards.h"

namespace docmind::bench {
namespace {

constexpr size_t kCandidates = 8;
constexpr double kHardOverlap = 0.6;
constexpr size_t kMaxFileBytes = size_t{256} << 20;

std::set<std::string> tokens(std::string_view text) {
  std::set<std::string> found;
  std::string token;
  for (const char c : text) {
    if (is_alnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80) {
      token += is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
    } else if (!token.empty()) {
      found.insert(std::move(token));
      token.clear();
    }
  }
  if (!token.empty()) found.insert(token);
  return found;
}

// The rows that each entry stands for, and the text of the first.
struct Entries {
  std::vector<size_t> first_row;
  std::vector<size_t> of_row;
};

Entries entries_of(const std::vector<Pair>& pairs) {
  Entries entries;
  std::unordered_map<std::string, size_t> known;
  for (size_t row = 0; row < pairs.size(); ++row) {
    const auto [place, is_new] =
        known.emplace(cache::normalise_question(pairs[row].question), entries.first_row.size());
    if (is_new) entries.first_row.push_back(row);
    entries.of_row.push_back(place->second);
  }
  return entries;
}

// Which questions share an answer when "same" is taken to pass on: a ~ b and b ~ c make a ~ c.
class Groups {
 public:
  explicit Groups(const std::vector<Pair>& pairs) {
    for (const Pair& pair : pairs) {
      const size_t question = place(pair.question);
      const size_t other = place(pair.other);
      if (pair.same) parents_[root(question)] = root(other);
    }
  }
  bool same(std::string_view a, std::string_view b) { return root(place(a)) == root(place(b)); }

 private:
  size_t place(std::string_view text) {
    const auto [place, is_new] = places_.emplace(cache::normalise_question(text), parents_.size());
    if (is_new) parents_.push_back(parents_.size());
    return place->second;
  }
  size_t root(size_t at) {
    while (parents_[at] != at) at = parents_[at] = parents_[parents_[at]];
    return at;
  }
  std::unordered_map<std::string, size_t> places_;
  std::vector<size_t> parents_;
};

struct Near {
  float similarity = -2;
  size_t entry = 0;
};

// Nearest first.
std::vector<Near> nearest(const float* asked, const Vectors& inserted) {
  std::vector<Near> heap;  // the farthest on top
  const auto farther = [](const Near& a, const Near& b) { return a.similarity > b.similarity; };
  const size_t n = inserted.values.size() / inserted.dimension;
  for (size_t i = 0; i < n; ++i) {
    const float* row = inserted.values.data() + i * inserted.dimension;
    std::array<float, 16> sums{};
    size_t k = 0;
    for (; k + 16 <= inserted.dimension; k += 16) {
      for (size_t lane = 0; lane < 16; ++lane) sums[lane] += asked[k + lane] * row[k + lane];
    }
    float sum = 0;
    for (; k < inserted.dimension; ++k) sum += asked[k] * row[k];
    for (const float part : sums) sum += part;
    if (heap.size() == kCandidates && sum <= heap.front().similarity) continue;
    if (heap.size() == kCandidates) {
      std::pop_heap(heap.begin(), heap.end(), farther);
      heap.pop_back();
    }
    heap.push_back({sum, i});
    std::push_heap(heap.begin(), heap.end(), farther);
  }
  std::sort_heap(heap.begin(), heap.end(), farther);
  return heap;
}

// Takes the closest of the near ones.
NearestQuestion judge(const Pair& pair, const std::vector<Near>& near,
                      const std::vector<std::string_view>& inserted) {
  NearestQuestion found;
  found.hard = token_jaccard(pair.question, pair.other) >= kHardOverlap;
  const std::string form = cache::normalise_question(pair.other);
  double best = -2;
  double rival = -2;
  for (const Near& candidate : near) {
    const std::string_view text = inserted[candidate.entry];
    const auto verdict = cache::QuestionGuards::compare(pair.other, text);
    found.exact = found.exact || cache::normalise_question(text) == form;
    if (&candidate == &near.front()) {
      found.nearest_entry = candidate.entry;
      found.nearest_similarity = candidate.similarity;
      found.nearest_guards = verdict.fired;
    }
    const double close = cache::closeness(candidate.similarity, verdict);
    if (close <= best) {
      rival = std::max(rival, close);
      continue;
    }
    rival = best;
    best = close;
    found.entry = candidate.entry;
    found.features = {.similarity = candidate.similarity, .margin = 0,
                      .word_overlap = verdict.word_overlap, .length_ratio = verdict.length_ratio,
                      .evidence_agreement = -1, .guards_fired = verdict.fired,
                      .likeness = verdict.likeness};
  }
  found.features.margin = best - std::max(rival, 0.0);
  return found;
}

}  // namespace

double token_jaccard(std::string_view a, std::string_view b) {
  const std::set<std::string> ours = tokens(a);
  const std::set<std::string> theirs = tokens(b);
  size_t shared = 0;
  for (const std::string& token : ours) shared += theirs.count(token);
  const size_t all = ours.size() + theirs.size() - shared;
  return all == 0 ? 1 : static_cast<double>(shared) / static_cast<double>(all);
}

Result<std::vector<Pair>> read_pairs(const std::string& path) {
  DM_ASSIGN(const std::string text, read_file(path, kMaxFileBytes));
  std::vector<Pair> pairs;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    DM_ASSIGN(const json::value value, parse_json(line, 4, size_t{1} << 20));
    const json::object* object = value.if_object();
    const json::value* question = object ? object->if_contains("question") : nullptr;
    const json::value* other = object ? object->if_contains("other") : nullptr;
    const json::value* same = object ? object->if_contains("same") : nullptr;
    if (!question || !question->is_string() || !other || !other->is_string() || !same ||
        !same->is_int64()) {
      return Error{ErrorCode::kMalformed, path + ": line " + std::to_string(pairs.size() + 1) +
                                              " has not question, other and same (0 or 1)"};
    }
    pairs.push_back({std::string(question->get_string()), std::string(other->get_string()),
                     same->get_int64() != 0});
  }
  return pairs;
}

Result<Vectors> embed_all(const providers::Embedder& embedder,
                          const std::vector<std::string_view>& texts) {
  Vectors vectors{.dimension = embedder.info().dimension, .values = {}};
  vectors.values.resize(vectors.dimension * texts.size());
  constexpr size_t kBatch = 64;
  for (size_t at = 0; at < texts.size(); at += kBatch) {
    const size_t n = std::min(kBatch, texts.size() - at);
    const std::span<float> out(vectors.values.data() + at * vectors.dimension,
                               n * vectors.dimension);
    DM_TRY(embedder.embed(std::span(texts).subspan(at, n), providers::EmbedKind::kQuestion, out,
                          CancelToken()));
  }
  return vectors;
}

Result<std::vector<NearestQuestion>> ask_all(const std::vector<Pair>& pairs,
                                             const providers::Embedder& embedder,
                                             ThreadPool& pool) {
  const Entries entries = entries_of(pairs);
  std::vector<std::string_view> inserted;
  for (const size_t row : entries.first_row) inserted.push_back(pairs[row].question);
  std::vector<std::string_view> asked;
  for (const Pair& pair : pairs) asked.push_back(pair.other);
  DM_ASSIGN(const Vectors inserted_vectors, embed_all(embedder, inserted));
  DM_ASSIGN(const Vectors asked_vectors, embed_all(embedder, asked));

  Groups groups(pairs);
  std::vector<NearestQuestion> all(pairs.size());
  pool.parallel_for(pairs.size(), [&](size_t row, size_t) {
    const std::vector<Near> near =
        nearest(asked_vectors.values.data() + row * asked_vectors.dimension, inserted_vectors);
    all[row] = judge(pairs[row], near, inserted);
    all[row].row = row;
  });
  for (NearestQuestion& found : all) {
    const Pair& pair = pairs[found.row];
    const auto is_own = [&](size_t entry) { return entries.of_row[found.row] == entry; };
    found.right = pair.same && is_own(found.entry);
    found.nearest_right = pair.same && is_own(found.nearest_entry);
    found.implied = found.right || groups.same(pair.other, inserted[found.entry]);
  }
  return all;
}

}  // namespace docmind::bench
