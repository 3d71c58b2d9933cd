// measure_language: two language models over the same tokens.
// SPDX-License-Identifier: Apache-2.0
#include "quantize/quality_language.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "kernels/kernels.h"
#include "quantize/quality_rows.h"

namespace docmind::quantize {
namespace {

using Contexts = std::vector<std::vector<int32_t>>;
// Rows [first, first + next.size()) of all contexts, and the tokens that followed.
using RowSink = std::function<Status(int64_t first, std::span<const float> logits, std::span<const int32_t> next)>;

constexpr int64_t kPieceBytes = int64_t{64} << 20;  // of logits in memory
constexpr int64_t kMostPieceTokens = 512;

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

// Calls `sink` with the rows that have a next token, in order, a piece at a time.
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
      DM_TRY(sink(n_done, rows, std::span(context).subspan(begin + 1, n_piece)));
      n_done += static_cast<int64_t>(n_piece);
    }
  }
  if (reader.options.progress) reader.options.progress(reader.what, n_total, n_total);
  return {};
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
  std::unique_ptr<RowComparison> rows;
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
  DM_ASSIGN(run.rows, RowComparison::create(table, {.n_rows = n_predicted(run.contexts), .n_vocab = run.n_vocab},
                                            options.scratch_folder, options.n_threads));
  const auto keep = [&](int64_t first, auto logits, auto next) { return run.rows->keep(first, logits, next); };
  DM_TRY(read_contexts({model, options, "reading the sample with the source"}, run.contexts, keep));
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

Result<LanguageQuality> compare_with_source(LanguageModel& model, std::string_view text, const QualityOptions& options,
                                            const SourceRun& source) {
  DM_TRY(check_same_vocabulary(model, text, source));
  const auto compare = [&](int64_t first, auto logits, auto next) { return source.rows->compare(first, logits, next); };
  DM_TRY(read_contexts({model, options, "reading the sample with the smaller model"}, source.contexts, compare));
  LanguageQuality quality = source.rows->quality();
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
  DM_ASSIGN(const SourceRun run, of_model_file(run_source(*model, *table, text, options), source));
  model.reset();  // before the other takes its memory
  DM_ASSIGN(model, access.open_language(smaller));
  return of_model_file(compare_with_source(*model, text, options, run), smaller);
}

}  // namespace docmind::quantize
