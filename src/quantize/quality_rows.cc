// RowComparison: the logits of two models over the same tokens, the source's kept in a scratch file.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_rows.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "engine/logit_row.h"
#include "quantize/quality_ranking.h"

namespace docmind::quantize {
namespace {

constexpr float kLeastStored = -60'000;  // of a logit below the largest: a half that is finite, whose exp is 0

int64_t halves_bytes(size_t n_vocab) { return static_cast<int64_t>(n_vocab * sizeof(kernels::Half)); }

}  // namespace

Result<std::unique_ptr<RowComparison>> RowComparison::create(const kernels::KernelTable& table, Size size,
                                                             const std::string& scratch_folder, size_t n_threads) {
  const int64_t row_bytes = halves_bytes(static_cast<size_t>(size.n_vocab));
  DM_ASSIGN(ScratchFile file, ScratchFile::create(scratch_folder, size.n_rows * row_bytes));
  return std::unique_ptr<RowComparison>(new RowComparison(table, size, std::move(file), n_threads));
}

RowComparison::RowComparison(const kernels::KernelTable& table, Size size, ScratchFile file, size_t n_threads)
    : table_(table),
      n_vocab_(static_cast<size_t>(size.n_vocab)),
      file_(std::move(file)),
      pool_(n_threads),
      buffers_(pool_.n_threads()),
      rows_(static_cast<size_t>(size.n_rows)) {
  for (Buffers& buffers : buffers_) {
    buffers.logits.resize(n_vocab_);
    buffers.halves.resize(n_vocab_);
  }
}

// The error of the first row that has one.
Status RowComparison::for_rows(size_t n_rows, const RowBody& body) {
  std::mutex mutex;
  size_t first_bad = n_rows;
  Status status;
  pool_.parallel_for(n_rows, [&](size_t row, size_t thread) {
    Status done = body(row, buffers_[thread]);
    if (done.ok()) return;
    const std::lock_guard lock(mutex);
    if (row >= first_bad) return;
    first_bad = row;
    status = std::move(done);
  });
  return status;
}

Status RowComparison::keep(int64_t first, std::span<const float> logits, std::span<const int32_t> next) {
  return for_rows(next.size(), [&](size_t i, Buffers& buffers) {
    return keep_row(logits.subspan(i * n_vocab_, n_vocab_), next[i], first + static_cast<int64_t>(i), buffers);
  });
}

Status RowComparison::compare(int64_t first, std::span<const float> logits, std::span<const int32_t> next) {
  return for_rows(next.size(), [&](size_t i, Buffers& buffers) {
    return compare_row(logits.subspan(i * n_vocab_, n_vocab_), next[i], first + static_cast<int64_t>(i), buffers);
  });
}

Status RowComparison::keep_row(std::span<const float> logits, int32_t next, int64_t row, Buffers& buffers) {
  DM_ASSIGN(const engine::LogitRow read, engine::read_logit_row(table_, logits));
  for (size_t i = 0; i < n_vocab_; ++i) buffers.logits[i] = std::max(logits[i] - read.largest, kLeastStored);
  table_.to_half(buffers.logits.data(), std::ssize(buffers.logits), buffers.halves.data());
  Row& kept = rows_[static_cast<size_t>(row)];
  kept.source_top = read.top;
  kept.source_loss = -read.log_probability(logits[static_cast<size_t>(next)]);
  return file_.write(row * halves_bytes(n_vocab_), std::as_bytes(std::span(buffers.halves)));
}

Status RowComparison::compare_row(std::span<const float> logits, int32_t next, int64_t row, Buffers& buffers) {
  DM_ASSIGN(const engine::LogitRow read, engine::read_logit_row(table_, logits));
  DM_TRY(file_.read(row * halves_bytes(n_vocab_), std::as_writable_bytes(std::span(buffers.halves))));
  table_.from_half(buffers.halves.data(), std::ssize(buffers.halves), buffers.logits.data());
  Row& kept = rows_[static_cast<size_t>(row)];
  kept.divergence = engine::divergence(table_, buffers.logits, 0, logits, read);  // the largest was stored as 0
  kept.same_top = read.top == kept.source_top;
  kept.loss = -read.log_probability(logits[static_cast<size_t>(next)]);
  return {};
}

LanguageQuality RowComparison::quality() const {
  const auto n = static_cast<double>(rows_.size());
  LanguageQuality quality;
  quality.n_tokens = std::ssize(rows_);
  std::vector<double> divergences;
  double n_same = 0, source_loss = 0, loss = 0, sum = 0;
  for (const Row& row : rows_) {
    divergences.push_back(row.divergence);
    sum += row.divergence;
    n_same += row.same_top ? 1 : 0;
    source_loss += row.source_loss;
    loss += row.loss;
  }
  quality.mean_kld = sum / n;
  quality.median_kld = quantile(divergences, 0.5);
  quality.kld_99_9 = quantile(divergences, 0.999);
  quality.worst_kld = quantile(divergences, 1);
  quality.same_top = n_same / n;
  quality.source_perplexity = std::exp(source_loss / n);
  quality.perplexity = std::exp(loss / n);
  return quality;
}

}  // namespace docmind::quantize
