// LexicalStage: trains the lexical embedder on the store and gives every chunk its vector.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lexical_stage.h"

#include <algorithm>

#include "index/vector_matrix.h"
#include "monitor/trace.h"

namespace docmind::pipeline {
namespace {

using monitor::Stage;
using providers::LexicalEmbedder;

// A sample this large fixes the vocabulary; the rest is projected. Bounds training memory.
constexpr int64_t kMaxTrainingChunks = 20'000;
constexpr int64_t kProgressEvery = 512;
constexpr int64_t kEmbedBatch = 2'048;

Error vectors_stopped() {
  return Error{ErrorCode::kCancelled,
               "stopped while vectors were made; the text is indexed, run it again to go on"};
}

index::EmbedderRecord record_of(const providers::LexicalParameters& parameters) {
  const providers::EmbedderInfo info = LexicalEmbedder::info_of(parameters);
  return {.identity = info.provider.identity,
          .dimension = static_cast<int64_t>(info.dimension),
          .normalised = info.normalised};
}

Status embed_chunk(const LexicalEmbedder& embedder, int64_t id, std::string_view text,
                   std::vector<float>& vector, index::WriteBatch& batch,
                   const CancelToken& cancel) {
  DM_TRY(embedder.embed({&text, 1}, providers::EmbedKind::kDocument, vector, cancel));
  return batch.put_vector(id, index::encode_vector(vector));
}

}  // namespace

std::string embedded_text(std::string_view title, std::string_view heading, std::string_view text) {
  std::string all;
  all.reserve(title.size() + heading.size() + text.size() + 2);
  return all.append(title).append("\n").append(heading).append("\n").append(text);
}

Status LexicalStage::check(const index::StoreReader& store) const {
  DM_ASSIGN(const std::optional<index::EmbedderRecord> stored, store.embedder());
  return index::check_embedder(stored, record_of({}));
}

Result<bool> LexicalStage::update(const index::StoreWriter& store, const ProgressSink& progress,
                                  const CancelToken& cancel) {
  DM_ASSIGN(const index::StoreCounts counts, store.reader().counts());
  if (counts.n_chunks == 0) return false;
  DM_ASSIGN(std::optional<LexicalState> state, read_lexical_state(store.reader()));
  const int64_t n_new = counts.n_chunks - counts.n_vectors;
  if (state && n_new == 0) return false;
  constexpr int64_t kOneIn = 5;
  if (!state || (state->n_since + n_new) * kOneIn > state->n_trained) {
    DM_TRY(retrain(store, counts.n_chunks, progress, cancel));
    return true;
  }
  DM_TRY(embed_new(store, *state, progress, cancel));
  return false;
}

// One transaction: readers see the old space with the old vectors, then the new with the new.
Status LexicalStage::retrain(const index::StoreWriter& store, int64_t n_chunks,
                             const ProgressSink& progress, const CancelToken& cancel) {
  monitor::StageTimer train_timer(metrics_, Stage::kTrain);
  const int64_t step = (n_chunks + kMaxTrainingChunks - 1) / kMaxTrainingChunks;
  IndexProgress now{.phase = IndexProgress::Phase::kTrain, .n_total = n_chunks};
  providers::LexicalTrainer trainer{providers::LexicalParameters{}};
  DM_TRY(store.reader().visit_chunks(
      0, [&](int64_t, std::string_view title, std::string_view heading, std::string_view text) {
        if (now.n_done++ % step == 0) trainer.add(embedded_text(title, heading, text));
        if (now.n_done % kProgressEvery == 0) progress(now);
        return !cancel.cancelled();
      }));
  if (cancel.cancelled()) return vectors_stopped();
  const providers::TrainedTerms terms = trainer.train(pool_);
  train_timer.stop();
  if (cancel.cancelled()) return vectors_stopped();

  monitor::StageTimer embed_timer(metrics_, Stage::kEmbed);
  // Each training commits, and each such commit raises the generation.
  DM_ASSIGN(const int64_t generation, store.reader().generation());
  DM_ASSIGN(index::WriteBatch batch, store.begin());
  DM_TRY(batch.drop_vectors());
  DM_TRY(batch.set_embedder(record_of(terms.parameters())));
  DM_TRY(write_lexical_state(batch, {.parameters = terms.parameters(),
                                     .average_length = terms.average_length(),
                                     .n_trained = n_chunks,
                                     .training_id = std::to_string(generation)}));
  DM_TRY(write_terms(batch, terms));
  const LexicalEmbedder embedder(terms);
  std::vector<float> vector(terms.parameters().dimension);
  Status status;
  now = {.phase = IndexProgress::Phase::kEmbed, .n_total = n_chunks};
  DM_TRY(store.reader().visit_chunks(
      0, [&](int64_t id, std::string_view title, std::string_view heading, std::string_view text) {
        status = embed_chunk(embedder, id, embedded_text(title, heading, text), vector, batch, cancel);
        if (++now.n_done % kProgressEvery == 0) progress(now);
        return status.ok() && !cancel.cancelled();
      }));
  DM_TRY(std::move(status));
  if (cancel.cancelled()) return vectors_stopped();
  DM_TRY(batch.commit());
  metrics_.add(monitor::Counter::kVectorsEmbedded, static_cast<uint64_t>(now.n_done));
  return {};
}

Status LexicalStage::embed_new(const index::StoreWriter& store, LexicalState state,
                               const ProgressSink& progress, const CancelToken& cancel) {
  monitor::StageTimer timer(metrics_, Stage::kEmbed);
  DM_ASSIGN(const std::unique_ptr<StoredTerms> terms, StoredTerms::open(store.reader(), state));
  const LexicalEmbedder embedder(*terms);
  std::vector<float> vector(state.parameters.dimension);
  IndexProgress now{.phase = IndexProgress::Phase::kEmbed};
  while (true) {
    DM_ASSIGN(const std::vector<int64_t> ids, store.reader().chunks_without_vector(kEmbedBatch));
    if (ids.empty()) return {};
    DM_ASSIGN(index::WriteBatch batch, store.begin());
    for (const int64_t id : ids) {
      std::string text;
      DM_TRY(store.reader().visit_chunks(id - 1, [&](int64_t, std::string_view title,
                                                     std::string_view heading, std::string_view body) {
        text = embedded_text(title, heading, body);
        return false;
      }));
      DM_TRY(embed_chunk(embedder, id, text, vector, batch, cancel));
      ++now.n_done;
    }
    state.n_since += static_cast<int64_t>(ids.size());
    DM_TRY(write_lexical_state(batch, state));
    DM_TRY(batch.commit());
    metrics_.add(monitor::Counter::kVectorsEmbedded, ids.size());
    progress(now);
    if (cancel.cancelled()) return vectors_stopped();
  }
}

}  // namespace docmind::pipeline
