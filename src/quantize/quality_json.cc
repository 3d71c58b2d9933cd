// quality_to_json: every figure of a measurement under a stable name.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality.h"

namespace docmind::quantize {
namespace {

constexpr int64_t kTokensForQuantile = 1'000;  // fewer: the 99.9% figure is the largest

void add_language(const LanguageQuality& q, json::object& out) {
  out["n_tokens"] = q.n_tokens;
  out["n_contexts"] = q.n_contexts;
  out["mean_kld"] = q.mean_kld;
  out["median_kld"] = q.median_kld;
  out["kld_99_9"] = q.kld_99_9;
  out["kld_99_9_is_worst"] = q.n_tokens < kTokensForQuantile;
  out["worst_kld"] = q.worst_kld;
  out["same_top"] = q.same_top;
  out["source_perplexity"] = q.source_perplexity;
  out["perplexity"] = q.perplexity;
  out["perplexity_ratio"] = q.perplexity_ratio();
}

void add_embedding(const EmbeddingQuality& q, json::object& out) {
  out["n_texts"] = q.n_texts;
  out["n_queries"] = q.n_queries;
  out["mean_cosine"] = q.mean_cosine;
  out["cosine_1"] = q.cosine_1;
  out["kendall_tau"] = q.kendall_tau;
  out["source_ndcg_10"] = q.source_ndcg_10;
  out["ndcg_10"] = q.ndcg_10;
  out["ndcg_10_change"] = q.ndcg_10 - q.source_ndcg_10;
}

void add_rerank(const RerankQuality& q, json::object& out) {
  out["n_queries"] = q.n_queries;
  out["n_pairs"] = q.n_pairs;
  out["spearman"] = q.spearman;
  out["top_k_overlap"] = q.top_k_overlap;
  out["k"] = q.k;
  out["mean_probability_change"] = q.mean_probability_change;
  out["source_ndcg_10"] = q.source_ndcg_10;
  out["ndcg_10"] = q.ndcg_10;
  out["ndcg_10_change"] = q.ndcg_10 - q.source_ndcg_10;
}

std::string_view kind_name(ModelKind kind) {
  switch (kind) {
    case ModelKind::kLanguage: return "language";
    case ModelKind::kEmbedding: return "embedding";
    case ModelKind::kRerank: return "rerank";
  }
  return "";
}

}  // namespace

json::object quality_to_json(const Quality& quality) {
  json::object out;
  out["kind"] = kind_name(quality.kind);
  out["sample"] = quality.sample;
  if (quality.language) add_language(*quality.language, out);
  if (quality.embedding) add_embedding(*quality.embedding, out);
  if (quality.rerank) add_rerank(*quality.rerank, out);
  out["rule"] = quality_rule_name(quality.rule);
  out["least"] = quality.least;
  out["passes"] = quality.passes;
  out["verdict"] = quality.verdict;
  out["seconds"] = quality.seconds;
  return out;
}

}  // namespace docmind::quantize
