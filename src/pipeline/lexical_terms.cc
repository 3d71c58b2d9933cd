// The lexical embedder's term table as kept in a store.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lexical_terms.h"

#include <cmath>
#include <cstring>

#include "index/vector_matrix.h"

namespace docmind::pipeline {
namespace {

constexpr std::string_view kStateKey = "lexical";
constexpr std::string_view kTrainingKey = "training";
constexpr char kTermPrefix = ':';  // terms are ":stem", so that no stem is the state's key
constexpr size_t kMaxDimension = 4'096;

// The state's bytes; little-endian, as everything in the store.
struct StateBytes {
  uint32_t version = 1;
  uint32_t dimension = 0;
  double k1 = 0;
  double b = 0;
  double average_length = 0;
  int64_t n_trained = 0;
  int64_t n_since = 0;
};
static_assert(sizeof(StateBytes) == 48);

std::string term_key(std::string_view stem) { return kTermPrefix + std::string(stem); }

}  // namespace

Result<std::optional<LexicalState>> read_lexical_state(const index::StoreReader& store) {
  DM_ASSIGN(const std::optional<std::string> bytes, store.embedder_state(kStateKey));
  if (!bytes) return std::optional<LexicalState>();
  StateBytes raw;
  const uint32_t version = raw.version;
  if (bytes->size() == sizeof(raw)) std::memcpy(&raw, bytes->data(), sizeof(raw));
  const bool sane = bytes->size() == sizeof(raw) && raw.version == version && raw.dimension > 0 &&
                    raw.dimension <= kMaxDimension && std::isfinite(raw.average_length) &&
                    std::isfinite(raw.k1) && std::isfinite(raw.b) && raw.n_trained >= 0;
  if (!sane) {
    return Error{ErrorCode::kMalformed, "the lexical embedder's record in the store is damaged; "
                                        "run: docmind index --reembed"};
  }
  DM_ASSIGN(std::optional<std::string> training_id, store.embedder_state(kTrainingKey));
  return std::optional<LexicalState>(
      LexicalState{.parameters = {.dimension = raw.dimension, .k1 = raw.k1, .b = raw.b},
                   .average_length = raw.average_length,
                   .n_trained = raw.n_trained,
                   .n_since = raw.n_since,
                   .training_id = std::move(training_id).value_or("")});
}

Status write_lexical_state(index::WriteBatch& batch, const LexicalState& state) {
  StateBytes raw;
  raw.dimension = static_cast<uint32_t>(state.parameters.dimension);
  raw.k1 = state.parameters.k1;
  raw.b = state.parameters.b;
  raw.average_length = state.average_length;
  raw.n_trained = state.n_trained;
  raw.n_since = state.n_since;
  DM_TRY(batch.put_embedder_state(kTrainingKey, state.training_id));
  return batch.put_embedder_state(
      kStateKey, std::string_view(reinterpret_cast<const char*>(&raw), sizeof(raw)));
}

Status write_terms(index::WriteBatch& batch, const providers::TrainedTerms& terms) {
  Status status;
  terms.visit([&](std::string_view stem, double idf, std::span<const float> vector) {
    if (!status.ok()) return;
    const auto idf_bytes = static_cast<float>(idf);
    std::string value(reinterpret_cast<const char*>(&idf_bytes), sizeof(idf_bytes));
    value += index::encode_vector(vector);
    status = batch.put_embedder_state(term_key(stem), value);
  });
  return status;
}

Result<std::unique_ptr<StoredTerms>> StoredTerms::open(const index::StoreReader& store,
                                                       const LexicalState& state) {
  DM_ASSIGN(Statement select,
            store.db().prepare("SELECT value FROM embedder_state WHERE key=?1"));
  return std::unique_ptr<StoredTerms>(new StoredTerms(std::move(select), state));
}

Result<double> StoredTerms::find(std::string_view stem, std::span<float> vector) const {
  const std::string key = term_key(stem);
  select_.reset();
  select_.bind_blob(1, key);
  DM_ASSIGN(const bool row, select_.step());
  if (!row) {
    select_.reset();
    return 0.0;
  }
  const std::string_view value = select_.column_blob(0);
  float idf = 0;
  Status decoded;
  if (value.size() <= sizeof(idf)) {
    decoded = Error{ErrorCode::kMalformed, "the store's entry for the term '" + std::string(stem) +
                                               "' is damaged; run: docmind index --reembed"};
  } else {
    std::memcpy(&idf, value.data(), sizeof(idf));
    decoded = index::decode_vector(value.substr(sizeof(idf)), vector);
  }
  select_.reset();
  if (!decoded.ok()) return std::move(decoded).error();
  return static_cast<double>(idf);
}

}  // namespace docmind::pipeline
