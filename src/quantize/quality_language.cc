// measure_language: two language models over the same tokens.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_language.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/logit_row.h"
#include "kernels/kernels.h"
#include "quantize/quality_ranking.h"
#include "quantize/quality_scratch.h"

namespace docmind::quantize {
namespace {

using engine::LogitRow;
using Contexts = std::vector<std::vector<int32_t>>;
using RowSink = std::function<Status(std::span<const float> logits, int32_t next)>;

constexpr int64_t kPieceBytes = int64_t{64} << 20;  // of logits in memory
constexpr int64_t kMostPieceTokens = 512;
constexpr float kLeastStored = -60'000;  // of a logit below the largest: a half that is finite, whose exp is 0

// What is wrong with a file is told with its name.
template <typename T>
Result<T> of_model_file(Result<T> result, const std::string& path) {
  if (result.ok()) return result;
  const ErrorCode code = result.error().code;
  if (code != ErrorCode::kMalformed && code != ErrorCode::kMismatch) return result;
  return std::move(result).error().with_context(fmt::format("'{}'", printable(path)));
}

int64_t n_predicted(const Contexts& contexts) {
  int64_t n = 0;
  for (const std::vector<int32_t>& context : contexts) n += std::ssize(context) - 1;
  return n;
}

// A loaded model that reads the contexts.
struct Reader {
  LanguageModel& model;
  const QualityOptions& options;
  std::string_view what;  // for progress
};

// Calls `sink` with each row that has a next token, in order.
Status read_contexts(const Reader& reader, const Contexts& contexts, const RowSink& sink) {
  const auto n_vocab = static_cast<size_t>(reader.model.n_vocab());
  const int64_t n_fit = kPieceBytes / (reader.model.n_vocab() * static_cast<int64_t>(sizeof(float)));
  const auto n_most = static_cast<size_t>(std::clamp<int64_t>(n_fit / 16 * 16, 16, kMostPieceTokens));
  const int64_t n_total = n_predicted(contexts);
  std::vector<float> logits(std::min(n_most, contexts.front().size()) * n_vocab);
  int64_t n_done = 0;
  for (const std::vector<int32_t>& context : contexts) {
    DM_TRY(reader.model.begin_context());
    // The last token is nobody's past, and its logits would be compared with nothing.
    for (size_t begin = 0; begin + 1 < context.size(); begin += n_most) {
      if (reader.options.progress && !reader.options.progress(reader.what, n_done, n_total)) {
        return Error{ErrorCode::kCancelled, "the measurement of the quality was stopped"};
      }
      const size_t n_piece = std::min(n_most, context.size() - 1 - begin);
      const auto rows = std::span(logits).first(n_piece * n_vocab);
      DM_TRY(reader.model.logits(std::span(context).subspan(begin, n_piece), rows));
      for (size_t i = 0; i < n_piece; ++i) DM_TRY(sink(rows.subspan(i * n_vocab, n_vocab), context[begin + i + 1]));
      n_done += static_cast<int64_t>(n_piece);
    }
  }
  if (reader.options.progress) reader.options.progress(reader.what, n_total, n_total);
  return {};
}

// What is kept of the source's rows: their logits below the largest as halves in the file, and what is exact.
class SourceRows {
 public:
  SourceRows(const kernels::KernelTable& table, ScratchFile file, size_t n_vocab)
      : table_(table), file_(std::move(file)), logits_(n_vocab), halves_(n_vocab) {}

  Status add(std::span<const float> logits, int32_t next) {
    DM_ASSIGN(const LogitRow row, engine::read_logit_row(table_, logits));
    for (size_t i = 0; i < logits.size(); ++i) logits_[i] = std::max(logits[i] - row.largest, kLeastStored);
    table_.to_half(logits_.data(), std::ssize(logits_), halves_.data());
    tops_.push_back(row.top);
    loss_ -= row.log_probability(logits[static_cast<size_t>(next)]);
    return file_.append(std::as_bytes(std::span(halves_)));
  }

  // Reads the next row back; valid until the next call.
  Result<std::span<const float>> next() {
    const auto n_bytes = static_cast<int64_t>(halves_.size() * sizeof(kernels::Half));
    DM_TRY(file_.read(n_bytes * n_read_, std::as_writable_bytes(std::span(halves_))));
    table_.from_half(halves_.data(), std::ssize(halves_), logits_.data());
    ++n_read_;
    return std::span<const float>(logits_);
  }

  [[nodiscard]] int64_t top() const { return tops_[static_cast<size_t>(n_read_ - 1)]; }  // of the row that was read
  [[nodiscard]] double loss() const { return loss_; }  // sum of the negative log-probabilities of what came next

 private:
  const kernels::KernelTable& table_;
  ScratchFile file_;
  std::vector<float> logits_;
  std::vector<kernels::Half> halves_;
  std::vector<int64_t> tops_;
  double loss_ = 0;
  int64_t n_read_ = 0;
};

LanguageQuality summarise(std::vector<double>& divergences, int64_t n_same, double source_loss, double loss) {
  const auto n = static_cast<double>(divergences.size());
  LanguageQuality quality{.n_tokens = std::ssize(divergences)};
  for (const double one : divergences) quality.mean_kld += one / n;
  quality.median_kld = quantile(divergences, 0.5);
  quality.kld_99_9 = quantile(divergences, 0.999);
  quality.worst_kld = quantile(divergences, 1);
  quality.same_top = static_cast<double>(n_same) / n;
  quality.source_perplexity = std::exp(source_loss / n);
  quality.perplexity = std::exp(loss / n);
  return quality;
}

Status check_tokens_in_range(const std::vector<int32_t>& tokens, int64_t n_vocab) {
  for (const int32_t token : tokens) {
    if (token >= 0 && token < n_vocab) continue;
    return Error{ErrorCode::kMalformed,
                 fmt::format("its tokenizer gives token {}, but its network has rows for {}", token, n_vocab)};
  }
  return {};
}

// What one model leaves for the other.
struct SourceRun {
  std::vector<int32_t> tokens;  // of the text, without those that begin contexts
  Contexts contexts;
  int64_t n_vocab = 0;
  std::unique_ptr<SourceRows> rows;
};

Result<SourceRun> run_source(LanguageModel& model, const kernels::KernelTable& table, std::string_view text,
                             const QualityOptions& options) {
  SourceRun run{.tokens = model.encode(text), .contexts = {}, .n_vocab = model.n_vocab(), .rows = {}};
  if (run.n_vocab < 1) return Error{ErrorCode::kMalformed, "its vocabulary is empty"};
  if (std::ssize(run.tokens) > options.n_tokens) run.tokens.resize(static_cast<size_t>(options.n_tokens));
  DM_TRY(check_tokens_in_range(run.tokens, run.n_vocab));
  DM_ASSIGN(run.contexts,
            cut_contexts(run.tokens, std::min(options.n_context, model.n_context()), model.first_token()));
  DM_TRY(check_tokens_in_range(run.contexts.front(), run.n_vocab));
  const int64_t row_bytes = run.n_vocab * static_cast<int64_t>(sizeof(kernels::Half));
  DM_ASSIGN(ScratchFile file, ScratchFile::create(options.scratch_folder, n_predicted(run.contexts) * row_bytes));
  run.rows = std::make_unique<SourceRows>(table, std::move(file), static_cast<size_t>(run.n_vocab));
  DM_TRY(read_contexts({model, options, "reading the sample with the source"}, run.contexts,
                       [&](std::span<const float> logits, int32_t next) { return run.rows->add(logits, next); }));
  return run;
}

Status check_same_vocabulary(const LanguageModel& model, std::string_view text, const SourceRun& source) {
  if (model.n_vocab() != source.n_vocab) {
    return Error{ErrorCode::kMismatch, fmt::format("its vocabulary has {} tokens and the source's {}", model.n_vocab(),
                                                   source.n_vocab)};
  }
  const std::vector<int32_t> tokens = model.encode(text);
  const bool same = tokens.size() >= source.tokens.size() &&
                    std::equal(source.tokens.begin(), source.tokens.end(), tokens.begin());
  if (!same) return Error{ErrorCode::kMismatch, "its tokenizer reads the sample in other tokens than the source's"};
  const auto longest = std::max_element(source.contexts.begin(), source.contexts.end(),
                                        [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (model.n_context() >= std::ssize(*longest)) return {};
  return Error{ErrorCode::kMismatch, fmt::format("its context has {} tokens, but the source read {} at once",
                                                 model.n_context(), longest->size())};
}

Result<LanguageQuality> compare_with_source(LanguageModel& model, const kernels::KernelTable& table, std::string_view text,
                                            const QualityOptions& options, SourceRun& source) {
  DM_TRY(check_same_vocabulary(model, text, source));
  std::vector<double> divergences;
  int64_t n_same = 0;
  double loss = 0;
  const auto add = [&](std::span<const float> logits, int32_t next) -> Status {
    DM_ASSIGN(const LogitRow q_row, engine::read_logit_row(table, logits));
    DM_ASSIGN(const std::span<const float> p, source.rows->next());
    DM_ASSIGN(const LogitRow p_row, engine::read_logit_row(table, p));
    divergences.push_back(engine::divergence(table, p, p_row, logits, q_row));
    n_same += q_row.top == source.rows->top() ? 1 : 0;
    loss -= q_row.log_probability(logits[static_cast<size_t>(next)]);
    return {};
  };
  DM_TRY(read_contexts({model, options, "reading the sample with the smaller model"}, source.contexts, add));
  LanguageQuality quality = summarise(divergences, n_same, source.rows->loss(), loss);
  quality.n_contexts = std::ssize(source.contexts);
  return quality;
}

}  // namespace

Result<std::vector<std::vector<int32_t>>> cut_contexts(const std::vector<int32_t>& tokens, int64_t n_context,
                                                       std::optional<int32_t> first_token) {
  if (tokens.size() < 2) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the sample has {}, which leaves nothing to predict; give a longer text",
                             format_count(std::ssize(tokens), "token"))};
  }
  const int64_t n_text = n_context - (first_token ? 1 : 0);
  if (n_text < 1 || n_context < 2) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a context of {} leaves nothing to predict", format_count(n_context, "token"))};
  }
  Contexts contexts;
  for (size_t begin = 0; begin < tokens.size(); begin += static_cast<size_t>(n_text)) {
    const size_t end = std::min(tokens.size(), begin + static_cast<size_t>(n_text));
    std::vector<int32_t> context;
    if (first_token) context.push_back(*first_token);
    context.insert(context.end(), tokens.begin() + static_cast<ptrdiff_t>(begin),
                   tokens.begin() + static_cast<ptrdiff_t>(end));
    if (context.size() >= 2) contexts.push_back(std::move(context));
  }
  return contexts;
}

Result<LanguageQuality> measure_language(ModelAccess& access, const std::string& source, const std::string& smaller,
                                         std::string_view text, const QualityOptions& options) {
  DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table(kernels::best_isa()));
  std::unique_ptr<LanguageModel> model;
  DM_ASSIGN(model, access.open_language(source));
  DM_ASSIGN(SourceRun run, of_model_file(run_source(*model, *table, text, options), source));
  model.reset();  // before the other takes its memory
  DM_ASSIGN(model, access.open_language(smaller));
  return of_model_file(compare_with_source(*model, *table, text, options, run), smaller);
}

}  // namespace docmind::quantize
