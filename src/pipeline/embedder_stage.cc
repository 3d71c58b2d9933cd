// EmbedderStage: gives every chunk of the store a vector from a model.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/embedder_stage.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/clock.h"
#include "index/vector_matrix.h"
#include "monitor/trace.h"
#include "pipeline/lexical_stage.h"

namespace docmind::pipeline {
namespace {

// A call of the embedder sorts its texts by length and packs them, so it gets a few at a time; a
// transaction that is open long keeps more from being lost in a kill.
constexpr size_t kEmbedTexts = 16;
constexpr size_t kReadChunks = 512;
constexpr double kCommitMs = 3'000;

}  // namespace

index::EmbedderRecord embedder_record_of(const providers::EmbedderInfo& info) {
  return {.identity = info.provider.identity,
          .dimension = static_cast<int64_t>(info.dimension),
          .normalised = info.normalised};
}

// Chunks without a vector and what the embedder sees of them.
struct EmbedderStage::Chunks {
  std::vector<int64_t> ids;
  std::vector<std::string> texts;
};

Status EmbedderStage::check(const index::StoreReader& store) const {
  DM_ASSIGN(const std::optional<index::EmbedderRecord> stored, store.embedder());
  return index::check_embedder(stored, embedder_record_of(embedder_.info()));
}

Result<EmbedderStage::Chunks> EmbedderStage::next_chunks(const index::StoreReader& store,
                                                         size_t limit) const {
  Chunks chunks;
  DM_ASSIGN(chunks.ids, store.chunks_without_vector(static_cast<int64_t>(limit)));
  if (chunks.ids.empty()) return chunks;
  DM_TRY(store.visit_chunks(
      chunks.ids.front() - 1, [&](int64_t id, std::string_view title, std::string_view heading,
                                  std::string_view text) {
        if (id == chunks.ids[chunks.texts.size()]) {
          chunks.texts.push_back(embedded_text(title, heading, text));
        }
        return chunks.texts.size() < chunks.ids.size();
      }));
  chunks.ids.resize(chunks.texts.size());
  return chunks;
}

Result<bool> EmbedderStage::update(const index::StoreWriter& store, const ProgressSink& progress,
                                   const CancelToken& cancel) {
  monitor::StageTimer timer(metrics_, monitor::Stage::kEmbed);
  DM_ASSIGN(const index::StoreCounts counts, store.reader().counts());
  IndexProgress now{.phase = IndexProgress::Phase::kEmbed,
                    .n_total = counts.n_chunks - counts.n_vectors};
  const int64_t n_tokens_before = embedder_.n_tokens();
  int64_t n_counted_tokens = 0;
  const size_t dimension = embedder_.info().dimension;
  std::vector<float> vectors;
  progress(now);
  while (true) {
    DM_ASSIGN(const Chunks chunks, next_chunks(store.reader(), kReadChunks));
    if (chunks.ids.empty()) return false;
    DM_ASSIGN(index::WriteBatch batch, store.begin());
    DM_TRY(batch.set_embedder(embedder_record_of(embedder_.info())));
    const Stopwatch since_begin;
    size_t at = 0;
    while (at < chunks.ids.size() && since_begin.elapsed_ms() < kCommitMs && !cancel.cancelled()) {
      const size_t n = std::min(kEmbedTexts, chunks.ids.size() - at);
      const std::vector<std::string_view> texts(chunks.texts.begin() + static_cast<ptrdiff_t>(at),
                                                chunks.texts.begin() + static_cast<ptrdiff_t>(at + n));
      vectors.resize(n * dimension);
      Status embedded = embedder_.embed(texts, providers::EmbedKind::kDocument, vectors, cancel);
      if (!embedded.ok() && embedded.error().code == ErrorCode::kCancelled) break;
      DM_TRY(std::move(embedded));
      for (size_t i = 0; i < n; ++i) {
        DM_TRY(batch.put_vector(chunks.ids[at + i],
                                index::encode_vector(std::span(vectors).subspan(i * dimension, dimension))));
      }
      at += n;
      now.n_done += static_cast<int64_t>(n);
      now.n_tokens = embedder_.n_tokens() - n_tokens_before;
      progress(now);
    }
    DM_TRY(batch.commit());
    metrics_.add(monitor::Counter::kVectorsEmbedded, at);
    metrics_.add(monitor::Counter::kTokensEmbedded, static_cast<uint64_t>(now.n_tokens - n_counted_tokens));
    n_counted_tokens = now.n_tokens;
    if (cancel.cancelled()) {
      return Error{ErrorCode::kCancelled,
                   "stopped while vectors were made; what was made is kept, run it again to go on"};
    }
  }
}

}  // namespace docmind::pipeline
