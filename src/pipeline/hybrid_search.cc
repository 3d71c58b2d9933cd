// HybridSearch: BM25F and latent vectors, smoothed, fed back and fused into one ranking.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/hybrid_search.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/words.h"
#include "index/fusion.h"

namespace docmind::pipeline {
namespace {

using index::ScoredChunk;
using monitor::Stage;
using monitor::StageTimer;

bool better(const ScoredChunk& a, const ScoredChunk& b) {
  return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
}

void cut(std::vector<ScoredChunk>& list, size_t depth) {
  if (list.size() > depth) list.resize(depth);
}

// Nearest chunks that point the question's way at all.
Result<std::vector<ScoredChunk>> nearest(const HybridParts& parts, std::span<const float> vector,
                                         size_t depth) {
  DM_ASSIGN(std::vector<ScoredChunk> list, parts.vectors->search(vector, depth));
  std::erase_if(list, [](const ScoredChunk& hit) { return hit.score <= 0; });
  return list;
}

// The lexical list again, over the union of both lists, with smoothed scores. Chunks that have no
// vector yet keep the score they have.
Result<std::vector<ScoredChunk>> smoothed_list(const HybridParts& parts,
                                               std::span<const ScoredChunk> scored,
                                               std::span<const ScoredChunk> vector_list,
                                               size_t pool_depth,
                                               const index::SmoothingOptions& smoothing) {
  std::vector<int64_t> ids;
  std::unordered_map<int64_t, double> score_of;
  const auto take = [&](int64_t id) {
    if (score_of.try_emplace(id, 0.0).second) ids.push_back(id);
  };
  const auto pool_list = scored.first(std::min(scored.size(), pool_depth));
  for (const ScoredChunk& hit : pool_list) take(hit.chunk_id);
  for (const ScoredChunk& hit : vector_list) take(hit.chunk_id);
  for (const ScoredChunk& hit : scored) {
    if (const auto known = score_of.find(hit.chunk_id); known != score_of.end()) {
      known->second = hit.score;
    }
  }
  DM_ASSIGN(const index::VectorMatrix pool, parts.store->load_vectors(ids));
  std::vector<double> scores;
  for (const int64_t id : pool.ids()) scores.push_back(score_of[id]);
  const std::vector<double> smoothed = index::smooth_scores(pool, scores, smoothing);
  for (size_t i = 0; i < pool.n_rows(); ++i) score_of[pool.id(i)] = smoothed[i];
  std::vector<ScoredChunk> list;
  for (const int64_t id : ids) {
    if (score_of[id] > 0) list.push_back({id, score_of[id]});
  }
  std::sort(list.begin(), list.end(), better);
  return list;
}

void normalise(std::span<float> vector) {
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value) * value;
  if (square <= 0) return;
  const double length = std::sqrt(square);
  for (float& value : vector) value = static_cast<float>(value / length);
}

// Moves the question's vector towards the mean of the best chunks.
Status feed_back(const HybridParts& parts, std::span<const ScoredChunk> best, double mix,
                 std::span<float> question) {
  std::vector<int64_t> ids;
  for (const ScoredChunk& hit : best) ids.push_back(hit.chunk_id);
  DM_ASSIGN(const index::VectorMatrix rows, parts.store->load_vectors(ids));
  std::vector<float> mean(question.size(), 0.0f);
  std::vector<float> row(question.size());
  for (size_t i = 0; i < rows.n_rows(); ++i) {
    rows.decode(i, row);
    for (size_t d = 0; d < row.size(); ++d) mean[d] += row[d];
  }
  normalise(mean);
  for (size_t d = 0; d < mean.size(); ++d) question[d] += static_cast<float>(mix) * mean[d];
  normalise(question);
  return {};
}

std::vector<ScoredChunk> fuse(std::span<const ScoredChunk> lexical,
                              std::span<const ScoredChunk> vectors, double vector_weight, double k,
                              size_t limit) {
  const index::RankedList lists[] = {{lexical, 1.0}, {vectors, vector_weight}};
  return index::reciprocal_rank_fusion(lists, k, limit);
}

std::unordered_map<int64_t, size_t> ranks_of(std::span<const ScoredChunk> list) {
  std::unordered_map<int64_t, size_t> ranks;
  for (size_t i = 0; i < list.size(); ++i) ranks[list[i].chunk_id] = i + 1;
  return ranks;
}

std::vector<HybridHit> with_ranks(std::span<const ScoredChunk> fused,
                                  std::span<const ScoredChunk> lexical,
                                  std::span<const ScoredChunk> vectors) {
  const auto lexical_ranks = ranks_of(lexical);
  const auto vector_ranks = ranks_of(vectors);
  const auto rank = [](const auto& ranks, int64_t id) {
    const auto place = ranks.find(id);
    return place == ranks.end() ? size_t{0} : place->second;
  };
  std::vector<HybridHit> hits;
  for (const ScoredChunk& hit : fused) {
    hits.push_back({hit.chunk_id, hit.score, rank(lexical_ranks, hit.chunk_id),
                    rank(vector_ranks, hit.chunk_id)});
  }
  return hits;
}

// How far the question's length lets vectors, smoothing and feedback have their say.
struct Influence {
  double vector_weight = 1;
  double smoothing = 0;
  double feedback = 0;
};

Influence influence_of(size_t n_words, size_t n_chunks, const HybridOptions& options) {
  const double longer = options.full_length > 1 ? static_cast<double>(options.full_length - 1) : 1;
  const double share = std::clamp((static_cast<double>(n_words) - 1) / longer, 0.0, 1.0);
  Influence influence;
  influence.vector_weight =
      options.least_vector_weight + (1 - options.least_vector_weight) * share;
  if (n_chunks >= options.few_chunks) {
    influence.smoothing = options.smoothing.mix * share;
    influence.feedback = options.feedback_mix * share;
  }
  return influence;
}

}  // namespace

LexicalQuery make_lexical_query(std::string_view question, double pair_weight) {
  WordAnalyzer analyzer;
  std::vector<Word> words = analyzer.analyze(question);
  const bool only_stop_words =
      std::all_of(words.begin(), words.end(), [](const Word& word) { return word.stop; });
  if (!only_stop_words) std::erase_if(words, [](const Word& word) { return word.stop; });
  LexicalQuery query;
  std::unordered_set<std::string> seen;
  for (const Word& word : words) {
    if (seen.insert(std::string(word.stem)).second) query.terms.push_back({std::string(word.source), 1.0});
  }
  query.n_words = query.terms.size();
  for (size_t i = 1; i < words.size() && pair_weight > 0; ++i) {
    if (words[i - 1].stem == words[i].stem) continue;
    const std::string pair = std::string(words[i - 1].stem) + " " + std::string(words[i].stem);
    if (!seen.insert(pair).second) continue;
    // With the stop words in between: "heap-only tuple" is one name.
    const size_t begin = words[i - 1].offset;
    const size_t end = words[i].offset + words[i].source.size();
    query.terms.push_back({std::string(question.substr(begin, end - begin)), pair_weight});
  }
  return query;
}

Result<HybridFound> hybrid_search(const HybridParts& parts, std::string_view question,
                                  const HybridOptions& options, size_t limit, monitor::Trace& trace,
                                  const CancelToken& cancel) {
  StageTimer lexical_timer(trace, Stage::kRetrieveLexical);
  const LexicalQuery query = make_lexical_query(question, options.pair_weight);
  DM_ASSIGN(std::vector<ScoredChunk> lexical,
            parts.lexical->search(query.terms, {}, std::max(limit, options.lexical_scores)));
  lexical_timer.stop();
  if (parts.vectors == nullptr || parts.vectors->n_rows() == 0) {
    cut(lexical, limit);
    return HybridFound{with_ranks(fuse(lexical, {}, 0, options.fusion_k, limit), lexical, {}), {}};
  }
  StageTimer embed_timer(trace, Stage::kEmbedQuestion);
  std::vector<float> vector(parts.embedder->info().dimension);
  DM_TRY(parts.embedder->embed({&question, 1}, providers::EmbedKind::kQuestion, vector, cancel));
  embed_timer.stop();
  HybridFound found{{}, vector};
  const size_t depth = std::max(limit, options.pool_depth);
  const Influence influence = influence_of(query.n_words, parts.vectors->n_rows(), options);
  StageTimer vector_timer(trace, Stage::kRetrieveVector);
  DM_ASSIGN(std::vector<ScoredChunk> vector_list, nearest(parts, vector, depth));
  vector_timer.stop();
  StageTimer fuse_timer(trace, Stage::kFuse);
  index::SmoothingOptions smoothing = options.smoothing;
  smoothing.mix = influence.smoothing;
  DM_ASSIGN(const std::vector<ScoredChunk> smoothed,
            smoothed_list(parts, lexical, vector_list, depth, smoothing));
  std::vector<ScoredChunk> fused =
      fuse(smoothed, vector_list, influence.vector_weight, options.fusion_k, depth);
  if (influence.feedback > 0 && !fused.empty() && !vector_list.empty()) {
    const size_t n_best = std::min(options.n_feedback, fused.size());
    DM_TRY(feed_back(parts, std::span(fused).first(n_best), influence.feedback, vector));
    DM_ASSIGN(vector_list, nearest(parts, vector, depth));
    fused = fuse(smoothed, vector_list, influence.vector_weight, options.fusion_k, depth);
  }
  cut(fused, limit);
  found.hits = with_ranks(fused, smoothed, vector_list);
  return found;
}

}  // namespace docmind::pipeline
