// CachingEmbedder, CachingReranker: models that remember what they computed.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/caching_models.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/clock.h"
#include "base/hash.h"
#include "index/vector_matrix.h"

namespace docmind::pipeline {
namespace {

using cache::Computation;
using providers::EmbedKind;

Digest embedding_key(const std::string& identity, EmbedKind kind, std::string_view text) {
  return FieldHasher()
      .add("embedding 1")
      .add(identity)
      .add(static_cast<int64_t>(kind == EmbedKind::kQuestion))
      .add(text)
      .finish();
}

Digest rerank_key(const std::string& identity, std::string_view question,
                  const providers::Passage& passage) {
  return FieldHasher()
      .add("rerank 1")
      .add(identity)
      .add(question)
      .add(passage.title)
      .add(passage.heading)
      .add(passage.text)
      .finish();
}

std::string encode(EmbedKind kind, std::span<const float> row) {
  if (kind == EmbedKind::kDocument) return index::encode_vector(row);
  return {reinterpret_cast<const char*>(row.data()), row.size_bytes()};
}

bool decode(EmbedKind kind, std::string_view bytes, std::span<float> row) {
  if (kind == EmbedKind::kDocument) return index::decode_vector(bytes, row).ok();
  if (bytes.size() != row.size_bytes()) return false;
  std::memcpy(row.data(), bytes.data(), bytes.size());
  return std::all_of(row.begin(), row.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace

Status CachingEmbedder::embed(std::span<const std::string_view> texts, EmbedKind kind,
                              std::span<float> out, const CancelToken& cancel) const {
  const providers::EmbedderInfo info = inner_.info();
  const auto row_of = [&](size_t i) { return out.subspan(i * info.dimension, info.dimension); };
  std::vector<size_t> missing;
  std::vector<std::string_view> missing_texts;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto known = computed_.find(Computation::kEmbedding,
                                      embedding_key(info.provider.identity, kind, texts[i]));
    if (known != nullptr && decode(kind, *known, row_of(i))) continue;
    missing.push_back(i);
    missing_texts.push_back(texts[i]);
  }
  if (missing.empty()) return {};
  std::vector<float> rows(missing.size() * info.dimension);
  const Stopwatch embedding;
  DM_TRY(inner_.embed(missing_texts, kind, rows, cancel));
  const double cost_ms = embedding.elapsed_ms() / static_cast<double>(missing.size());
  for (size_t i = 0; i < missing.size(); ++i) {
    const auto row = std::span<const float>(rows).subspan(i * info.dimension, info.dimension);
    std::copy(row.begin(), row.end(), row_of(missing[i]).begin());
    computed_.keep(Computation::kEmbedding,
                   embedding_key(info.provider.identity, kind, missing_texts[i]), encode(kind, row),
                   cost_ms);
  }
  return {};
}

Result<std::vector<double>> CachingReranker::rerank(std::string_view question,
                                                    std::span<const providers::Passage> passages,
                                                    const CancelToken& cancel) const {
  const std::string identity = inner_.info().identity;
  std::vector<double> scores(passages.size());
  std::vector<size_t> missing;
  std::vector<providers::Passage> missing_passages;
  for (size_t i = 0; i < passages.size(); ++i) {
    const auto known =
        computed_.find(Computation::kRerank, rerank_key(identity, question, passages[i]));
    if (known != nullptr && known->size() == sizeof(double)) {
      std::memcpy(&scores[i], known->data(), sizeof(double));
      if (std::isfinite(scores[i])) continue;
    }
    missing.push_back(i);
    missing_passages.push_back(passages[i]);
  }
  if (missing.empty()) return scores;
  const Stopwatch reranking;
  DM_ASSIGN(const std::vector<double> fresh, inner_.rerank(question, missing_passages, cancel));
  const double cost_ms = reranking.elapsed_ms() / static_cast<double>(missing.size());
  for (size_t i = 0; i < missing.size(); ++i) {
    scores[missing[i]] = fresh[i];
    computed_.keep(Computation::kRerank, rerank_key(identity, question, missing_passages[i]),
                   std::string(reinterpret_cast<const char*>(&fresh[i]), sizeof(double)), cost_ms);
  }
  return scores;
}

}  // namespace docmind::pipeline
