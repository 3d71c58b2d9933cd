// LexicalEmbedder: latent semantic vectors trained on the corpus itself; needs no model file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "providers/provider.h"
#include "providers/sparse_matrix.h"

namespace docmind::providers {

// Weighting of a term in a text: BM25's saturation and length normalisation.
struct LexicalParameters {
  size_t dimension = 192;
  double k1 = 2.0;
  double b = 0.75;
  bool operator==(const LexicalParameters&) const = default;
};

// The trained vocabulary: for each stem its inverse document frequency and latent vector.
class TermTable {
 public:
  virtual ~TermTable() = default;
  [[nodiscard]] virtual const LexicalParameters& parameters() const = 0;
  // Mean number of words of a training text, stop words included.
  [[nodiscard]] virtual double average_length() const = 0;
  // Writes the vector [dimension] and returns the idf; 0 when the stem is not in the vocabulary.
  [[nodiscard]] virtual Result<double> find(std::string_view stem, std::span<float> vector) const = 0;
};

// A term table in memory, as training makes it.
class TrainedTerms final : public TermTable {
 public:
  TrainedTerms(LexicalParameters parameters, double average_length)
      : parameters_(parameters), average_length_(average_length) {}

  const LexicalParameters& parameters() const override { return parameters_; }
  double average_length() const override { return average_length_; }
  Result<double> find(std::string_view stem, std::span<float> vector) const override;

  void add(std::string stem, double idf, std::span<const float> vector);
  size_t n_terms() const { return idf_.size(); }
  // In the order of add().
  void visit(const std::function<void(std::string_view stem, double idf,
                                      std::span<const float> vector)>& visit) const;

 private:
  LexicalParameters parameters_;
  double average_length_;
  std::unordered_map<std::string, size_t> places_;
  std::vector<const std::string*> stems_;  // keys of places_, which never move
  std::vector<double> idf_;
  std::vector<float> vectors_;  // [n_terms, dimension]
};

// Collects texts and trains: a BM25-weighted term matrix and its truncated SVD (latent semantic
// indexing, Deerwester et al. 1990). One thread adds; train() uses the pool.
class LexicalTrainer {
 public:
  explicit LexicalTrainer(const LexicalParameters& parameters);
  ~LexicalTrainer();

  void add(std::string_view text);
  size_t n_texts() const;
  // Terms in fewer than two texts are left out once there are 50 texts. The trainer is then empty.
  [[nodiscard]] TrainedTerms train(ThreadPool& pool);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Embeds with a term table, which is borrowed. As many threads as the table allows.
class LexicalEmbedder final : public Embedder {
 public:
  explicit LexicalEmbedder(const TermTable& terms) : terms_(terms) {}

  // The identity does not depend on the training: vectors of one store always come from the table
  // that is stored beside them.
  static EmbedderInfo info_of(const LexicalParameters& parameters);

  EmbedderInfo info() const override { return info_of(terms_.parameters()); }
  Status embed(std::span<const std::string_view> texts, EmbedKind kind, std::span<float> out,
               const CancelToken& cancel) const override;

 private:
  const TermTable& terms_;
};

}  // namespace docmind::providers
