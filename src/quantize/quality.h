// Quality: what a smaller file loses against its source, and whether that is within the limit.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "quantize/model_access.h"

namespace docmind::quantize {

// Over all tokens of the sample but the first of each context (which is the model's BOS where it wants one);
// divergences are of the smaller model's next-token distribution from the source's, in nats. They are computed from the
// source's logits rounded to halves, which leaves about 1e-6 where nothing differs, and else an error that is small
// beside the divergence; the rest is exact.
// Quantiles are values that were seen (nearest rank): of fewer than 1,000 tokens, kld_99_9 is worst_kld.
struct LanguageQuality {
  int64_t n_tokens = 0, n_contexts = 0;
  double mean_kld = 0, median_kld = 0, kld_99_9 = 0, worst_kld = 0;
  double same_top = 0;           // share of tokens with the same likeliest successor, 0..1
  double source_perplexity = 0, perplexity = 0;
  [[nodiscard]] double perplexity_ratio() const { return perplexity / source_perplexity; }
};

struct EmbeddingQuality {
  int64_t n_texts = 0, n_queries = 0;
  double mean_cosine = 0, cosine_1 = 0;      // mean, and the value that 1% of the texts are below
  double kendall_tau = 0;                    // tau-b of the documents' order, mean over the queries
  double source_ndcg_10 = 0, ndcg_10 = 0;    // on the labelled set; the gain of a document is its grade
};

// Over the labelled set: each query with at most 16 documents, those that answer it and those that share most words.
struct RerankQuality {
  int64_t n_queries = 0, n_pairs = 0;
  double spearman = 0;        // of the documents' order, mean over the queries
  double top_k_overlap = 0;   // share of the source's best k that are among the best k
  int64_t k = 0;              // 5, less where there are few documents
  double mean_probability_change = 0;  // of the sigmoids, absolute
  double source_ndcg_10 = 0, ndcg_10 = 0;
};

// What "at least 95% of the source" means for a language model. kPerplexity: the perplexity of the sample is at most
// 1 / 0.95 of the source's, and not below 0.95 of it either (then it is another model). kSameTop: at least 95% of the tokens have the same likeliest successor. kBoth: both.
// Embedders: nDCG@10 and the mean cosine are at least 95% of the source's (1 for the cosine); rerankers: Spearman's
// coefficient and nDCG@10 likewise. Every report says all of them, whichever decides.
enum class QualityRule { kPerplexity, kSameTop, kBoth };
[[nodiscard]] Result<QualityRule> parse_quality_rule(std::string_view text);
[[nodiscard]] std::string_view quality_rule_name(QualityRule rule);

// A labelled query: documents of the set by index, with grades above 0 for those that answer it.
struct LabelledQuery {
  std::string text;
  std::vector<std::pair<size_t, double>> relevant;
};
struct LabelledSet {
  std::vector<std::string> documents;
  std::vector<LabelledQuery> queries;
};
// JSON lines, {"id", "text"} for documents and {"query", "relevant": {id: grade} or [id, ...]} for queries, in any
// order. kMalformed names the line.
[[nodiscard]] Result<LabelledSet> parse_labelled_set(std::string_view jsonl);
[[nodiscard]] LabelledSet builtin_labelled_set();
[[nodiscard]] std::string_view builtin_sample_text();

struct QualityOptions {
  std::string text = {};               // for language models; empty: the built-in sample
  std::string sample_name = {};        // what the user's text or set is called in reports; Quality::sample
  std::optional<LabelledSet> labelled = {};  // for embedders and rerankers; none: the built-in set
  int64_t n_tokens = 2'048;            // of the text that are read, from its beginning
  int64_t n_context = 512;             // tokens of a context, less where the model's is shorter
  double least = 0.95;                 // 0..1
  QualityRule rule = QualityRule::kPerplexity;
  // For the source's logits, in a file without a name that goes with the process: 2 bytes a token of text and
  // vocabulary (0.6 GB for 2,048 tokens of 152,000). Empty: the system's folder for temporary files.
  std::string scratch_folder = {};
  size_t n_threads = 0;                // that compare the logits; 0: one per CPU
  std::function<bool(std::string_view what, int64_t n_done, int64_t n_total)> progress = {};  // false: kCancelled
};

struct Quality {
  ModelKind kind = ModelKind::kLanguage;
  std::string sample;  // "the built-in sample", or what the user gave
  std::optional<LanguageQuality> language;
  std::optional<EmbeddingQuality> embedding;
  std::optional<RerankQuality> rerank;
  double least = 0.95;
  QualityRule rule = QualityRule::kPerplexity;
  bool passes = false;             // by the rule
  std::string verdict;             // a sentence with the figures of both rules
  double seconds = 0;
};
[[nodiscard]] json::object quality_to_json(const Quality& quality);

// One model at a time is in memory, and at most 64 MiB of logits. Every failure is one: kInvalidArgument for a sample
// that is too short or options out of range, kMismatch when the two are not of one kind, vocabulary or dimension,
// kMalformed for logits or vectors that are not finite, vectors of zeros and scores that are all equal, kIo when the
// scratch folder has no room. Errors name the file that they are of.
Result<Quality> measure_quality(ModelAccess& access, const std::string& source, const std::string& smaller,
                                const QualityOptions& options);

}  // namespace docmind::quantize
