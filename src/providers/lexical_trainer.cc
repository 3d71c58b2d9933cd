// LexicalTrainer: from texts to a term table.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/words.h"
#include "providers/lexical_embedder.h"
#include "providers/lexical_weights.h"
#include "providers/randomized_svd.h"

namespace docmind::providers {
namespace {

// With fewer texts than this even a term that occurs in one of them is kept.
constexpr size_t kFewTexts = 50;

// A small corpus has few latent topics; more dimensions than that only keep its noise.
constexpr size_t kTextsPerDimension = 6;
constexpr size_t kLeastRank = 64;

size_t useful_rank(size_t n_texts, size_t dimension) {
  return std::min(dimension, std::max(kLeastRank, n_texts / kTextsPerDimension));
}

struct TermCount {
  uint32_t term = 0;
  uint32_t count = 0;
};

}  // namespace

struct LexicalTrainer::Impl {
  LexicalParameters parameters;
  WordAnalyzer analyzer;
  std::unordered_map<std::string, uint32_t> terms;
  std::vector<uint32_t> document_frequency;  // [terms]
  std::vector<TermCount> counts;             // of all texts, one after the other
  std::vector<size_t> text_ends;             // into counts
  std::vector<uint32_t> lengths;             // [texts] words
  uint64_t n_words = 0;

  std::vector<uint32_t> kept_terms() const;
  SparseMatrix weigh(std::span<const uint32_t> columns, size_t n_columns, double average) const;
};

LexicalTrainer::LexicalTrainer(const LexicalParameters& parameters)
    : impl_(std::make_unique<Impl>()) {
  impl_->parameters = parameters;
}

LexicalTrainer::~LexicalTrainer() = default;

size_t LexicalTrainer::n_texts() const { return impl_->text_ends.size(); }

void LexicalTrainer::add(std::string_view text) {
  Impl& impl = *impl_;
  const TermCounts counted = count_terms(impl.analyzer, text);
  for (const auto& [stem, count] : counted.terms) {
    const auto [place, is_new] =
        impl.terms.emplace(stem, static_cast<uint32_t>(impl.document_frequency.size()));
    if (is_new) impl.document_frequency.push_back(0);
    ++impl.document_frequency[place->second];
    impl.counts.push_back({place->second, count});
  }
  impl.text_ends.push_back(impl.counts.size());
  impl.lengths.push_back(counted.n_words);
  impl.n_words += counted.n_words;
}

// Ids of the terms that become columns, ascending.
std::vector<uint32_t> LexicalTrainer::Impl::kept_terms() const {
  const uint32_t least = text_ends.size() < kFewTexts ? 1 : 2;
  std::vector<uint32_t> kept;
  for (uint32_t term = 0; term < document_frequency.size(); ++term) {
    if (document_frequency[term] >= least) kept.push_back(term);
  }
  return kept;
}

// The matrix [texts, n_columns]: BM25 weights, rows of unit length. `columns` maps a term to its
// column; n_columns means none.
SparseMatrix LexicalTrainer::Impl::weigh(std::span<const uint32_t> columns, size_t n_columns,
                                         double average) const {
  SparseMatrix matrix(n_columns);
  std::vector<SparseMatrix::Entry> row;
  size_t begin = 0;
  for (size_t text = 0; text < text_ends.size(); ++text) {
    row.clear();
    double square = 0;
    for (size_t i = begin; i < text_ends[text]; ++i) {
      const auto [term, count] = counts[i];
      if (columns[term] == n_columns) continue;
      const double idf = inverse_document_frequency(document_frequency[term], text_ends.size());
      const double weight = idf * saturation(parameters, count, lengths[text], average);
      square += weight * weight;
      row.push_back({columns[term], static_cast<float>(weight)});
    }
    const auto norm = static_cast<float>(std::sqrt(std::max(square, 1e-24)));
    for (SparseMatrix::Entry& entry : row) entry.value /= norm;
    matrix.append_row(row);
    begin = text_ends[text];
  }
  return matrix;
}

TrainedTerms LexicalTrainer::train(ThreadPool& pool) {
  const std::unique_ptr<Impl> impl = std::exchange(impl_, std::make_unique<Impl>());
  impl_->parameters = impl->parameters;
  const size_t n_texts = impl->text_ends.size();
  const double average = n_texts > 0 ? static_cast<double>(impl->n_words) / static_cast<double>(n_texts) : 1.0;
  TrainedTerms trained(impl->parameters, std::max(average, 1.0));
  const std::vector<uint32_t> kept = impl->kept_terms();
  if (kept.empty()) return trained;
  std::vector<uint32_t> columns(impl->document_frequency.size(), static_cast<uint32_t>(kept.size()));
  for (uint32_t column = 0; column < kept.size(); ++column) columns[kept[column]] = column;
  const size_t dimension = impl->parameters.dimension;
  // The matrix and the counts are the large things here: each goes before the next is made.
  const DenseMatrix leading = [&] {
    const SparseMatrix matrix = impl->weigh(columns, kept.size(), trained.average_length());
    impl->counts = {};
    return right_singular_vectors(matrix, {.rank = useful_rank(n_texts, dimension)}, pool);
  }();
  std::vector<const std::string*> names(impl->document_frequency.size());
  for (const auto& [stem, term] : impl->terms) names[term] = &stem;
  std::vector<float> vector(dimension, 0.0f);
  for (uint32_t column = 0; column < kept.size(); ++column) {
    const uint32_t term = kept[column];
    std::copy_n(leading.row(column).data(), leading.cols(), vector.begin());
    trained.add(*names[term], inverse_document_frequency(impl->document_frequency[term], n_texts),
                vector);
  }
  return trained;
}

}  // namespace docmind::providers
