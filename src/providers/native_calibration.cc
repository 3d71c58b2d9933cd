// calibrate_model: runs a text through a model of any kind and notes what its matrices are multiplied with.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_calibration.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/cut_tokens.h"
#include "engine/model_parts.h"
#include "model/encoder.h"
#include "model/model_bytes.h"
#include "providers/activation_means.h"
#include "providers/native_language_model.h"
#include "providers/native_memory.h"

namespace docmind::providers {
namespace {

constexpr int64_t kCalibrationContext = 512;
constexpr int64_t kCalibrationLogitBytes = int64_t{64} << 20;  // in memory
constexpr size_t kPassageBytes = 1'200;
constexpr size_t kPassageQueryBytes = 80;
constexpr size_t kPassagesAtOnce = 8;

Status report_step(const CalibrationStep& step, int64_t n_done, int64_t n_total) {
  if (!step || step(n_done, n_total)) return {};
  return Error{ErrorCode::kCancelled, "the calibration was stopped"};
}

Error nothing_to_read() {
  return Error{ErrorCode::kInvalidArgument, "the text for the calibration is empty; give a longer one"};
}

// The output matrix sees only tokens whose logits are wanted, so all are, a piece at a time.
Status read_context(NativeLanguageModel& model, std::span<const int32_t> context, std::vector<float>& logits) {
  const auto n_vocab = static_cast<size_t>(model.n_vocab());
  const size_t n_most = std::max<size_t>(1, static_cast<size_t>(kCalibrationLogitBytes) / (n_vocab * sizeof(float)));
  logits.resize(std::min(n_most, context.size()) * n_vocab);
  DM_TRY(model.begin_context());
  for (size_t begin = 0; begin < context.size(); begin += n_most) {
    const size_t n = std::min(n_most, context.size() - begin);
    DM_TRY(model.logits(context.subspan(begin, n), std::span(logits).first(n * n_vocab)));
  }
  return {};
}

Status read_with_decoder(const std::string& path, std::string_view text, const NativeAccessOptions& options,
                         ActivationMeans& means, const CalibrationStep& step) {
  DM_ASSIGN(const auto model, NativeLanguageModel::open(path, options, &means));
  const std::vector<int32_t> tokens = model->encode(text);
  if (tokens.empty()) return nothing_to_read();
  const std::optional<int32_t> first = model->first_token();
  const int64_t n_context = std::min(kCalibrationContext, model->n_context());
  const auto n_text = static_cast<size_t>(std::max<int64_t>(1, n_context - (first ? 1 : 0)));
  std::vector<int32_t> context;
  std::vector<float> logits;
  for (size_t begin = 0; begin < tokens.size(); begin += n_text) {
    DM_TRY(report_step(step, static_cast<int64_t>(begin), std::ssize(tokens)));
    const size_t end = std::min(tokens.size(), begin + n_text);
    context.clear();
    if (first) context.push_back(*first);
    context.insert(context.end(), tokens.begin() + static_cast<ptrdiff_t>(begin),
                   tokens.begin() + static_cast<ptrdiff_t>(end));
    DM_TRY(read_context(*model, context, logits));
  }
  return report_step(step, std::ssize(tokens), std::ssize(tokens));
}

// The tokens of a passage as an embedder or a reranker reads it.
std::vector<model::TokenId> encode_passage(const tokenizer::Tokenizer& tokenizer, std::string_view passage,
                                           bool is_pair, int64_t n_context) {
  if (is_pair) {
    const std::string_view query = cut_passages(passage, kPassageQueryBytes).front();
    return tokenizer.encode_pair(query, passage, static_cast<size_t>(n_context));
  }
  std::vector<model::TokenId> tokens = tokenizer.encode(passage, {.add_special = true, .parse_special = false});
  engine::cut_to(n_context, tokenizer.vocabulary(), tokens);
  return tokens;
}

Status read_with_encoder(const std::string& path, engine::ModelKind kind, std::string_view text,
                         const NativeAccessOptions& options, ActivationMeans& means, const CalibrationStep& step) {
  const std::vector<std::string_view> passages = cut_passages(text, kPassageBytes);
  if (passages.empty()) return nothing_to_read();
  DM_TRY(check_encoder_memory(path, options));
  DM_ASSIGN(const engine::ModelParts parts, engine::open_model_parts(path, kind, options.engine));
  model::LoadOptions load = parts.load_options(options.engine.progress);
  load.observer = &means;
  DM_ASSIGN(const std::unique_ptr<model::Encoder> encoder, model::Encoder::load(*parts.file, load));
  DM_TRY(parts.check_vocabulary(encoder->config().n_vocab));
  const bool is_pair = kind == engine::ModelKind::kRerank;
  std::vector<float> out;
  for (size_t begin = 0; begin < passages.size(); begin += kPassagesAtOnce) {
    DM_TRY(report_step(step, static_cast<int64_t>(begin), std::ssize(passages)));
    std::vector<std::vector<model::TokenId>> tokens;
    for (size_t i = begin; i < std::min(passages.size(), begin + kPassagesAtOnce); ++i) {
      tokens.push_back(encode_passage(*parts.tokenizer, passages[i], is_pair, encoder->config().n_context));
    }
    const std::vector<std::span<const model::TokenId>> views(tokens.begin(), tokens.end());
    out.resize(views.size() * (is_pair ? 1 : static_cast<size_t>(encoder->config().n_embd)));
    DM_TRY(is_pair ? encoder->rank(views, out) : encoder->embed(views, true, out));
  }
  return report_step(step, std::ssize(passages), std::ssize(passages));
}

}  // namespace

Status check_encoder_memory(const std::string& path, const NativeAccessOptions& options) {
  if (options.memory_limit_bytes == 0) return {};
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  const size_t n_threads = ThreadTeam::size_of(options.engine.n_threads);
  DM_ASSIGN(const model::ModelBytes bytes, model::model_bytes(file, options.engine.quantize, n_threads,
                                                              engine::ModelParts::kBatchTokens));
  return check_model_memory(path, bytes.weights + bytes.scratch + bytes.in_file, options.memory_limit_bytes);
}

std::vector<std::string_view> cut_passages(std::string_view text, size_t n_bytes) {
  std::vector<std::string_view> passages;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    size_t end = text.size();
    if (end > n_bytes) {
      const std::string_view head = text.substr(0, n_bytes);
      end = head.rfind('\n');
      if (end == std::string_view::npos || end < n_bytes / 2) end = head.rfind(' ');
      if (end == std::string_view::npos || end == 0) end = std::max<size_t>(1, utf8_floor(text, n_bytes));
    }
    passages.push_back(trim(text.substr(0, end)));
    text.remove_prefix(end);
  }
  return passages;
}

Result<quantize::Importance> calibrate_model(const std::string& path, quantize::ModelKind kind, std::string_view text,
                                             const NativeAccessOptions& options, const CalibrationStep& step) {
  ActivationMeans means;
  switch (kind) {
    case quantize::ModelKind::kLanguage:
      DM_TRY(read_with_decoder(path, text, options, means, step));
      break;
    case quantize::ModelKind::kEmbedding:
      DM_TRY(read_with_encoder(path, engine::ModelKind::kEmbedding, text, options, means, step));
      break;
    case quantize::ModelKind::kRerank:
      DM_TRY(read_with_encoder(path, engine::ModelKind::kRerank, text, options, means, step));
      break;
  }
  Result<quantize::Importance> importance = means.means();
  if (importance.ok()) return importance;
  return std::move(importance).error().with_context(fmt::format("'{}'", printable(path)));
}

}  // namespace docmind::providers
