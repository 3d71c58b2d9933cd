// Measures what a KV format costs.
// SPDX-License-Identifier: Apache-2.0
#include "engine/kv_quality.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "engine/logit_row.h"

namespace docmind::engine {
namespace {

constexpr int64_t kPieceTokens = kernels::kKvPageTokens;

// One text in one format.
struct Run {
  std::unique_ptr<kv::Cache> cache;
  std::unique_ptr<kv::Sequence> sequence;
  std::vector<float> logits;  // of the last piece
};

Result<Run> start(const model::Decoder& decoder, const kernels::KernelTable& table, const kv::FormatOptions& format,
                  int64_t n_tokens) {
  Run run;
  DM_ASSIGN(const kv::Layout layout, kv::Layout::create(decoder.kv_geometry(), format));
  const size_t budget = layout.sequence_bytes(n_tokens) + layout.sequence_bytes(4 * kPieceTokens) + layout.page_bytes();
  DM_ASSIGN(run.cache, kv::Cache::create(decoder.kv_geometry(), {.format = format, .budget_bytes = budget,
                                                                 .share_prefixes = false, .identity = {}}, table));
  DM_ASSIGN(run.sequence, run.cache->new_sequence(n_tokens));
  run.logits.resize(static_cast<size_t>(kPieceTokens * decoder.config().n_vocab));
  return run;
}

// Adds one position to sums; perplexities are sums of logarithms until finish().
Status add_row(const kernels::KernelTable& table, std::span<const float> exact, std::span<const float> got,
               model::TokenId next, KvQuality& sums) {
  DM_ASSIGN(const LogitRow p, read_logit_row(table, exact));
  DM_ASSIGN(const LogitRow q, read_logit_row(table, got));
  const double kl = divergence(table, exact, p.largest, got, q);
  const auto token = static_cast<size_t>(next);
  sums.mean_kl += kl;
  sums.worst_kl = std::max(sums.worst_kl, kl);
  sums.same_top += p.top == q.top ? 1 : 0;
  sums.perplexity -= q.log_probability(got[token]);
  sums.exact_perplexity -= p.log_probability(exact[token]);
  ++sums.n_tokens;
  return {};
}

void finish(KvQuality& sums) {
  const auto n = static_cast<double>(sums.n_tokens);
  sums.mean_kl /= n;
  sums.same_top /= n;
  sums.perplexity = std::exp(sums.perplexity / n);
  sums.exact_perplexity = std::exp(sums.exact_perplexity / n);
}

}  // namespace

Result<std::vector<KvQuality>> measure_kv_quality(model::Decoder& decoder, const kernels::KernelTable& table,
                                                  std::span<const model::TokenId> tokens,
                                                  std::span<const KvVariant> variants, const CancelToken& cancel) {
  const auto n = static_cast<int64_t>(tokens.size());
  if (n < 2) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("a text of {} tokens has no next token to predict", n)};
  }
  const auto n_vocab = static_cast<size_t>(decoder.config().n_vocab);
  DM_ASSIGN(Run exact, start(decoder, table, {}, n));
  std::vector<Run> runs;
  std::vector<KvQuality> sums;
  for (const KvVariant& variant : variants) {
    DM_ASSIGN(Run run, start(decoder, table, variant.format, n));
    runs.push_back(std::move(run));
    sums.push_back({.name = variant.name});
  }
  for (int64_t begin = 0; begin < n; begin += kPieceTokens) {
    if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "the measurement was stopped"};
    const int64_t n_piece = std::min(kPieceTokens, n - begin);
    const auto piece = tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(n_piece));
    const auto advance = [&](Run& run) {
      return decoder.forward(*run.sequence, piece, std::span(run.logits).first(piece.size() * n_vocab));
    };
    DM_TRY(advance(exact));
    for (size_t v = 0; v < runs.size(); ++v) {
      DM_TRY(advance(runs[v]));
      if (variants[v].after_piece) variants[v].after_piece(*runs[v].sequence);
      for (size_t i = 0; i < piece.size() && begin + static_cast<int64_t>(i) + 1 < n; ++i) {
        DM_TRY(add_row(table, std::span(exact.logits).subspan(i * n_vocab, n_vocab),
                       std::span(runs[v].logits).subspan(i * n_vocab, n_vocab),
                       tokens[static_cast<size_t>(begin) + i + 1], sums[v]));
      }
    }
  }
  for (KvQuality& one : sums) finish(one);
  return sums;
}

std::vector<KvQuality> combine(std::span<const std::vector<KvQuality>> texts) {
  std::vector<KvQuality> all;
  if (texts.empty()) return all;
  for (size_t v = 0; v < texts[0].size(); ++v) {
    KvQuality sum{.name = texts[0][v].name};
    for (const std::vector<KvQuality>& text : texts) {
      const KvQuality& one = text[v];
      const auto n = static_cast<double>(one.n_tokens);
      sum.n_tokens += one.n_tokens;
      sum.mean_kl += one.mean_kl * n;
      sum.worst_kl = std::max(sum.worst_kl, one.worst_kl);
      sum.same_top += one.same_top * n;
      sum.perplexity += std::log(one.perplexity) * n;
      sum.exact_perplexity += std::log(one.exact_perplexity) * n;
    }
    finish(sum);
    all.push_back(std::move(sum));
  }
  return all;
}

}  // namespace docmind::engine
