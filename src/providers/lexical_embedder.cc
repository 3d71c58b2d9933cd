// LexicalEmbedder: latent semantic vectors trained on the corpus itself.
// SPDX-License-Identifier: Apache-2.0
#include "providers/lexical_embedder.h"

#include <algorithm>
#include <cmath>

#include "providers/lexical_weights.h"

namespace docmind::providers {

TermCounts count_terms(WordAnalyzer& analyzer, std::string_view text) {
  const std::vector<Word> words = analyzer.analyze(text);
  TermCounts counted{.terms = {}, .n_words = static_cast<uint32_t>(words.size())};
  std::vector<std::string_view> stems;
  stems.reserve(words.size());
  for (const Word& word : words) {
    if (!word.stop) stems.push_back(word.stem);
  }
  std::sort(stems.begin(), stems.end());
  for (size_t i = 0; i < stems.size();) {
    size_t end = i;
    while (end < stems.size() && stems[end] == stems[i]) ++end;
    counted.terms.emplace_back(stems[i], static_cast<uint32_t>(end - i));
    i = end;
  }
  return counted;
}

double inverse_document_frequency(uint32_t document_frequency, size_t n_texts) {
  const auto n = static_cast<double>(n_texts);
  return std::log(1.0 + (n - document_frequency + 0.5) / (document_frequency + 0.5));
}

double saturation(const LexicalParameters& parameters, uint32_t count, uint32_t n_words,
                  double average_length) {
  const double norm =
      parameters.k1 * (1 - parameters.b + parameters.b * n_words / std::max(average_length, 1.0));
  return count * (parameters.k1 + 1) / (count + norm);
}

Result<double> TrainedTerms::find(std::string_view stem, std::span<float> vector) const {
  const auto place = places_.find(std::string(stem));
  if (place == places_.end()) return 0.0;
  const float* from = vectors_.data() + place->second * parameters_.dimension;
  std::copy_n(from, parameters_.dimension, vector.begin());
  return idf_[place->second];
}

void TrainedTerms::add(std::string stem, double idf, std::span<const float> vector) {
  const auto [place, is_new] = places_.emplace(std::move(stem), idf_.size());
  if (!is_new) return;
  stems_.push_back(&place->first);
  idf_.push_back(idf);
  vectors_.insert(vectors_.end(), vector.begin(), vector.end());
}

void TrainedTerms::visit(const std::function<void(std::string_view, double,
                                                  std::span<const float>)>& visit) const {
  for (size_t i = 0; i < idf_.size(); ++i) {
    visit(*stems_[i], idf_[i],
          {vectors_.data() + i * parameters_.dimension, parameters_.dimension});
  }
}

EmbedderInfo LexicalEmbedder::info_of(const LexicalParameters& parameters) {
  const std::string identity = "lexical/1 d=" + std::to_string(parameters.dimension);
  return {.provider = {.name = "lexical", .identity = identity},
          .dimension = parameters.dimension,
          .normalised = true};
}

Status LexicalEmbedder::embed(std::span<const std::string_view> texts, EmbedKind kind,
                              std::span<float> out, const CancelToken& cancel) const {
  const LexicalParameters& parameters = terms_.parameters();
  const size_t dimension = parameters.dimension;
  if (out.size() != texts.size() * dimension) {
    return Error{ErrorCode::kInvalidArgument,
                 "the output has room for " + std::to_string(out.size()) + " floats, needed are " +
                     std::to_string(texts.size() * dimension)};
  }
  WordAnalyzer analyzer;
  std::vector<float> vector(dimension);
  for (size_t i = 0; i < texts.size(); ++i) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "embedding was stopped"};
    const std::span<float> row = out.subspan(i * dimension, dimension);
    std::fill(row.begin(), row.end(), 0.0f);
    const TermCounts counted = count_terms(analyzer, texts[i]);
    for (const auto& [stem, count] : counted.terms) {
      DM_ASSIGN(const double idf, terms_.find(stem, vector));
      if (idf <= 0) continue;
      // A question is short: how often it repeats a word says little.
      const double weight =
          kind == EmbedKind::kQuestion
              ? idf
              : idf * saturation(parameters, count, counted.n_words, terms_.average_length());
      for (size_t d = 0; d < dimension; ++d) row[d] += static_cast<float>(weight) * vector[d];
    }
    double square = 0;
    for (const float value : row) square += static_cast<double>(value) * value;
    if (square <= 0) continue;
    const auto scale = static_cast<float>(1 / std::sqrt(square));
    for (float& value : row) value *= scale;
  }
  return {};
}

}  // namespace docmind::providers
