// The lexical embedder's term table as kept in a store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/sqlite.h"
#include "index/store_reader.h"
#include "index/store_writer.h"
#include "providers/lexical_embedder.h"

namespace docmind::pipeline {

// What training left in the store beside the terms.
struct LexicalState {
  providers::LexicalParameters parameters;
  double average_length = 1;
  int64_t n_trained = 0;  // chunks in the store when it was trained
  int64_t n_since = 0;    // chunks embedded since then
  std::string training_id = {};  // differs between any two trainings; empty for one of an older version
};

// nullopt when the store was never trained; kMalformed when the record is damaged.
Result<std::optional<LexicalState>> read_lexical_state(const index::StoreReader& store);
Status write_lexical_state(index::WriteBatch& batch, const LexicalState& state);
// Writes every term; the batch should hold nothing of an older training.
Status write_terms(index::WriteBatch& batch, const providers::TrainedTerms& terms);

// Looks terms up in the store one by one, so that a question reads a few rows and not the whole
// vocabulary. One thread at a time; the reader must outlive it.
class StoredTerms final : public providers::TermTable {
 public:
  static Result<std::unique_ptr<StoredTerms>> open(const index::StoreReader& store,
                                                   const LexicalState& state);

  const providers::LexicalParameters& parameters() const override { return state_.parameters; }
  double average_length() const override { return state_.average_length; }
  Result<double> find(std::string_view stem, std::span<float> vector) const override;

 private:
  StoredTerms(Statement select, const LexicalState& state)
      : select_(std::move(select)), state_(state) {}

  mutable Statement select_;
  LexicalState state_;
};

}  // namespace docmind::pipeline
