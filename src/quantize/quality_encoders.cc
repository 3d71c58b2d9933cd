// measure_embedding, measure_rerank: two encoders over a labelled set.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_encoders.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "base/words.h"
#include "quantize/quality_ranking.h"

namespace docmind::quantize {
namespace {

constexpr size_t kTextsAtOnce = 32;
constexpr size_t kRerankDocuments = 16;
constexpr size_t kOverlapPlaces = 5;
constexpr size_t kNdcgPlaces = 10;

constexpr std::string_view kWithSource = "reading the labelled set with the source";
constexpr std::string_view kWithSmaller = "reading the labelled set with the smaller model";

Status report_step(const QualityOptions& options, std::string_view what, size_t n_done, size_t n_total) {
  const auto done = static_cast<int64_t>(n_done), total = static_cast<int64_t>(n_total);
  if (!options.progress || options.progress(what, done, total)) return {};
  return Error{ErrorCode::kCancelled, "the measurement of the quality was stopped"};
}

Error model_error(const std::string& path, ErrorCode code, std::string sentence) {
  return Error{code, fmt::format("'{}': {}", printable(path), sentence)};
}

// --- embedders ---

// Of documents, then queries, each of unit length.
struct Vectors {
  size_t dimension = 0;
  std::vector<float> rows;
  [[nodiscard]] std::span<const float> row(size_t text) const {
    return std::span(rows).subspan(text * dimension, dimension);
  }
};

double dot_of(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

Status make_unit(std::span<float> row, std::string_view text, const std::string& path) {
  const double length = std::sqrt(dot_of(row, row));
  if (std::isfinite(length) && length > 0) {
    for (float& value : row) value = static_cast<float>(static_cast<double>(value) / length);
    return {};
  }
  const std::string_view what = std::isfinite(length) ? "is zero" : "has values that are no numbers";
  return model_error(path, ErrorCode::kMalformed,
                     fmt::format("the vector of \"{}\" {}", ellipsize(printable(text), 40), what));
}

Result<Vectors> embed_all(ModelAccess& access, const std::string& path, std::string_view what,
                          std::span<const std::string_view> texts, const QualityOptions& options) {
  DM_ASSIGN(const std::unique_ptr<EmbeddingModel> model, access.open_embedding(path));
  if (model->dimension() < 1) return model_error(path, ErrorCode::kMalformed, "its vectors have no values");
  Vectors vectors{.dimension = static_cast<size_t>(model->dimension()), .rows = {}};
  vectors.rows.resize(texts.size() * vectors.dimension);
  for (size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    DM_TRY(report_step(options, what, begin, texts.size()));
    const size_t n = std::min(kTextsAtOnce, texts.size() - begin);
    const auto rows = std::span(vectors.rows).subspan(begin * vectors.dimension, n * vectors.dimension);
    DM_TRY(model->embed(texts.subspan(begin, n), rows));
    for (size_t i = 0; i < n; ++i) {
      DM_TRY(make_unit(rows.subspan(i * vectors.dimension, vectors.dimension), texts[begin + i], path));
    }
  }
  DM_TRY(report_step(options, what, texts.size(), texts.size()));
  return vectors;
}

std::vector<double> document_scores(const Vectors& vectors, size_t n_documents, size_t query) {
  std::vector<double> scores(n_documents);
  for (size_t i = 0; i < n_documents; ++i) scores[i] = dot_of(vectors.row(i), vectors.row(n_documents + query));
  return scores;
}

Error no_order(const std::string& path, std::string_view query) {
  return model_error(path, ErrorCode::kMalformed,
                     fmt::format("all documents have the same score for \"{}\", so there is no order to compare",
                                 ellipsize(printable(query), 40)));
}

bool all_equal(Scores scores) {
  return std::all_of(scores.begin(), scores.end(), [&](double score) { return score == scores[0]; });
}

// --- rerankers ---

using QueryScores = std::vector<std::vector<double>>;  // of each query's candidates

using Candidates = std::vector<std::vector<size_t>>;   // documents

Result<QueryScores> rank_all(ModelAccess& access, const std::string& path, std::string_view what,
                             const LabelledSet& set, const Candidates& candidates, const QualityOptions& options) {
  DM_ASSIGN(const std::unique_ptr<RerankModel> model, access.open_rerank(path));
  QueryScores all;
  for (size_t query = 0; query < candidates.size(); ++query) {
    DM_TRY(report_step(options, what, query, candidates.size()));
    std::vector<std::string_view> documents;
    for (const size_t document : candidates[query]) documents.push_back(set.documents[document]);
    DM_ASSIGN(const std::vector<float> logits, model->rank(set.queries[query].text, documents));
    if (logits.size() != documents.size()) {
      return model_error(path, ErrorCode::kInternal,
                         fmt::format("{} scores for {} documents", logits.size(), documents.size()));
    }
    for (const float logit : logits) {
      if (!std::isfinite(logit)) return model_error(path, ErrorCode::kMalformed, "a score is no number");
    }
    all.emplace_back(logits.begin(), logits.end());
    if (all_equal(all.back())) return no_order(path, set.queries[query].text);
  }
  DM_TRY(report_step(options, what, candidates.size(), candidates.size()));
  return all;
}

double sigmoid(double logit) { return 1 / (1 + std::exp(-logit)); }

// The query's grades, by the places of its candidates.
std::vector<std::pair<size_t, double>> grades_of(const LabelledQuery& query, const std::vector<size_t>& candidates) {
  std::vector<std::pair<size_t, double>> grades;
  for (const auto& [document, grade] : query.relevant) {
    const auto found = std::find(candidates.begin(), candidates.end(), document);
    if (found != candidates.end()) grades.emplace_back(found - candidates.begin(), grade);
  }
  return grades;
}

}  // namespace

Status check_labelled_set(const LabelledSet& set) {
  if (set.documents.size() < 2 || set.queries.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the labelled set has {} and {}; at least two documents and a query are needed",
                             format_count(std::ssize(set.documents), "document"),
                             set.queries.size() == 1 ? "1 query" : fmt::format("{} queries", set.queries.size()))};
  }
  for (const LabelledQuery& query : set.queries) {
    const auto is_good = [&](const std::pair<size_t, double>& one) {
      return one.first < set.documents.size() && one.second > 0 && std::isfinite(one.second);
    };
    if (query.relevant.empty() || !std::all_of(query.relevant.begin(), query.relevant.end(), is_good)) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("the query \"{}\" needs documents of the labelled set that "
                                                            "answer it, with grades above 0",
                                                            ellipsize(printable(query.text), 40))};
    }
  }
  return {};
}

std::vector<std::vector<size_t>> choose_candidates(const LabelledSet& set, size_t n_most) {
  WordAnalyzer analyzer;
  const auto words_of = [&](std::string_view text) {
    std::set<std::string> words;
    for (const Word& word : analyzer.analyze(text)) {
      if (!word.stop) words.emplace(word.stem);
    }
    return words;
  };
  std::vector<std::set<std::string>> document_words;
  for (const std::string& document : set.documents) document_words.push_back(words_of(document));
  std::vector<std::vector<size_t>> all;
  for (const LabelledQuery& query : set.queries) {
    const std::set<std::string> words = words_of(query.text);
    std::vector<double> shared(set.documents.size());
    for (size_t i = 0; i < shared.size(); ++i) {
      for (const std::string& word : words) shared[i] += document_words[i].contains(word) ? 1 : 0;
    }
    // Before all others, the better first.
    for (const auto& [document, grade] : query.relevant) shared[document] = static_cast<double>(words.size()) + grade;
    std::vector<size_t> order = order_of(shared);
    order.resize(std::min(order.size(), n_most));
    all.push_back(std::move(order));
  }
  return all;
}

Result<EmbeddingQuality> measure_embedding(ModelAccess& access, const std::string& source, const std::string& smaller,
                                           const LabelledSet& set, const QualityOptions& options) {
  std::vector<std::string_view> texts(set.documents.begin(), set.documents.end());
  for (const LabelledQuery& query : set.queries) texts.push_back(query.text);
  DM_ASSIGN(const Vectors a, embed_all(access, source, kWithSource, texts, options));
  DM_ASSIGN(const Vectors b, embed_all(access, smaller, kWithSmaller, texts, options));
  if (a.dimension != b.dimension) {
    return model_error(smaller, ErrorCode::kMismatch,
                       fmt::format("its vectors have {} values and the source's {}", b.dimension, a.dimension));
  }
  const auto n_queries = static_cast<double>(set.queries.size());
  EmbeddingQuality quality{.n_texts = std::ssize(texts), .n_queries = std::ssize(set.queries)};
  std::vector<double> cosines(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    cosines[i] = dot_of(a.row(i), b.row(i));
    quality.mean_cosine += cosines[i] / static_cast<double>(texts.size());
  }
  quality.cosine_1 = quantile(cosines, 0.01);
  for (size_t i = 0; i < set.queries.size(); ++i) {
    const LabelledQuery& query = set.queries[i];
    const std::vector<double> scores_a = document_scores(a, set.documents.size(), i);
    const std::vector<double> scores_b = document_scores(b, set.documents.size(), i);
    const std::optional<double> tau = kendall_tau_b(scores_a, scores_b);
    if (!tau) return no_order(all_equal(scores_a) ? source : smaller, query.text);
    quality.kendall_tau += *tau / n_queries;
    quality.source_ndcg_10 += ndcg(scores_a, query.relevant, kNdcgPlaces) / n_queries;
    quality.ndcg_10 += ndcg(scores_b, query.relevant, kNdcgPlaces) / n_queries;
  }
  return quality;
}

Result<RerankQuality> measure_rerank(ModelAccess& access, const std::string& source, const std::string& smaller,
                                     const LabelledSet& set, const QualityOptions& options) {
  const Candidates candidates = choose_candidates(set, kRerankDocuments);
  DM_ASSIGN(const QueryScores a, rank_all(access, source, kWithSource, set, candidates, options));
  DM_ASSIGN(const QueryScores b, rank_all(access, smaller, kWithSmaller, set, candidates, options));
  const auto n_queries = static_cast<double>(set.queries.size());
  const size_t n_documents = candidates.front().size();
  // Of few documents nearly all would be among the best.
  const size_t k = std::clamp<size_t>(n_documents / 3, 1, kOverlapPlaces);
  RerankQuality quality{.n_queries = std::ssize(set.queries), .k = static_cast<int64_t>(k)};
  for (size_t i = 0; i < set.queries.size(); ++i) {
    const std::optional<double> coefficient = spearman(a[i], b[i]);
    if (!coefficient) return no_order(smaller, set.queries[i].text);
    quality.spearman += *coefficient / n_queries;
    quality.top_k_overlap += top_k_overlap(a[i], b[i], k) / n_queries;
    for (size_t j = 0; j < n_documents; ++j) {
      quality.mean_probability_change += std::abs(sigmoid(a[i][j]) - sigmoid(b[i][j]));
    }
    quality.n_pairs += static_cast<int64_t>(n_documents);
    const auto grades = grades_of(set.queries[i], candidates[i]);
    quality.source_ndcg_10 += ndcg(a[i], grades, kNdcgPlaces) / n_queries;
    quality.ndcg_10 += ndcg(b[i], grades, kNdcgPlaces) / n_queries;
  }
  quality.mean_probability_change /= static_cast<double>(quality.n_pairs);
  return quality;
}

}  // namespace docmind::quantize
