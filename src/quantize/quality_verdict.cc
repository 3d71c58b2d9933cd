// judge: whether a smaller model is within the limit of what it may lose.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_verdict.h"

#include <string>

#include <fmt/format.h>

namespace docmind::quantize {
namespace {

struct Judgement {
  bool passes = false;
  std::string figures;
};

std::string percent(double share) { return fmt::format("{:.4g}%", share * 100); }

Judgement judge_language(const LanguageQuality& q, double least, QualityRule rule) {
  const double most = 1 / least;
  // A perplexity far below the source's is no gain: another model speaks.
  const double found = q.perplexity_ratio();
  const bool perplexity = found >= least && found <= most, same_top = q.same_top >= least;
  const std::string ratio = fmt::format("perplexity {:.4f} of the source's", found);
  const std::string same = fmt::format("same likeliest token {:.2f}%", q.same_top * 100);
  switch (rule) {
    case QualityRule::kPerplexity:
      return {perplexity, fmt::format("{} ({:.4g} to {:.4f} allowed), {} (rule same-top would want {})", ratio, least,
                                      most, same, percent(least))};
    case QualityRule::kSameTop:
      return {same_top, fmt::format("{} (at least {}), {} (rule perplexity would allow {:.4g} to {:.4f})", same,
                                    percent(least), ratio, least, most)};
    case QualityRule::kBoth:
      return {perplexity && same_top,
              fmt::format("{} ({:.4g} to {:.4f} allowed), {} (at least {})", ratio, least, most, same,
                          percent(least))};
  }
  return {};
}

std::string ndcg_figure(double ndcg, double of_source, double least) {
  return fmt::format("nDCG@10 {:.4f} of the source's {:.4f} (at least {:.4f})", ndcg, of_source, least * of_source);
}

Judgement judge_embedding(const EmbeddingQuality& q, double least) {
  return {q.ndcg_10 >= least * q.source_ndcg_10 && q.mean_cosine >= least,
          fmt::format("{}, mean cosine {:.4f} (at least {:.4g})", ndcg_figure(q.ndcg_10, q.source_ndcg_10, least),
                      q.mean_cosine, least)};
}

Judgement judge_rerank(const RerankQuality& q, double least) {
  return {q.ndcg_10 >= least * q.source_ndcg_10 && q.spearman >= least,
          fmt::format("{}, Spearman's coefficient {:.4f} (at least {:.4g})",
                      ndcg_figure(q.ndcg_10, q.source_ndcg_10, least), q.spearman, least)};
}

}  // namespace

void judge(Quality& quality) {
  Judgement judgement{.passes = false, .figures = "nothing was measured"};
  if (quality.language) judgement = judge_language(*quality.language, quality.least, quality.rule);
  if (quality.embedding) judgement = judge_embedding(*quality.embedding, quality.least);
  if (quality.rerank) judgement = judge_rerank(*quality.rerank, quality.least);
  quality.passes = judgement.passes;
  quality.verdict = fmt::format("{}: {}", judgement.passes ? "kept" : "lost too much", judgement.figures);
}

}  // namespace docmind::quantize
