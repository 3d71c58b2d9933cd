// NativeLanguageModel: a decoder that reads contexts one after another, for measurements.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_language_model.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/model_kind.h"
#include "kv/layout.h"
#include "model/decoder_config.h"
#include "model/model_bytes.h"
#include "providers/native_memory.h"

namespace docmind::providers {
namespace {

// Of the logits that a measurement has in memory.
constexpr size_t kMostLogitBytes = size_t{64} << 20;
constexpr int64_t kMostLogitTokens = 512;

// Of a context, and a piece of it that is being read.
size_t measured_kv_bytes(const kv::Layout& layout, int64_t n_context) {
  return layout.sequence_bytes(n_context) + layout.sequence_bytes(engine::ModelParts::kPieceTokens) +
         layout.page_bytes();
}

}  // namespace

Status check_model_memory(const std::string& path, size_t needed_bytes, size_t limit_bytes) {
  if (limit_bytes == 0 || needed_bytes <= limit_bytes) return {};
  return Error{ErrorCode::kLimit, fmt::format("'{}' takes {} of memory to run, but there are {}", printable(path),
                                              format_bytes(static_cast<int64_t>(needed_bytes)),
                                              format_bytes(static_cast<int64_t>(limit_bytes)))};
}

Result<std::unique_ptr<NativeLanguageModel>> NativeLanguageModel::open(const std::string& path,
                                                                       const NativeAccessOptions& options,
                                                                       model::ActivationObserver* observer) {
  DM_ASSIGN(engine::ModelParts parts, engine::open_model_parts(path, engine::ModelKind::kText, options.engine));
  std::unique_ptr<NativeLanguageModel> model(new NativeLanguageModel(std::move(parts)));
  DM_TRY(model->load(options, observer));
  return model;
}

Status NativeLanguageModel::load(const NativeAccessOptions& options, model::ActivationObserver* observer) {
  const std::string& path = parts_.info.path;
  DM_ASSIGN(const model::DecoderConfig config, model::read_decoder_config(*parts_.file));
  n_context_ = std::min(options.n_context, config.n_context);
  const kv::Geometry geometry{config.n_layers, config.n_kv_heads, config.head_dim};
  DM_ASSIGN(const kv::Layout layout, kv::Layout::create(geometry, {}));
  const size_t kv_bytes = measured_kv_bytes(layout, n_context_);
  DM_ASSIGN(const model::ModelBytes bytes, model::model_bytes(*parts_.file, parts_.quantize, parts_.info.n_threads,
                                                              engine::ModelParts::kPieceTokens));
  const size_t row_bytes = static_cast<size_t>(config.n_vocab) * sizeof(float);
  const size_t logit_bytes = std::min(kMostLogitBytes, static_cast<size_t>(kMostLogitTokens) * row_bytes);
  DM_TRY(check_model_memory(path, bytes.weights + bytes.scratch + kv_bytes + logit_bytes, options.memory_limit_bytes));
  model::LoadOptions load = parts_.load_options(options.engine.progress, engine::ModelParts::kPieceTokens);
  load.observer = observer;
  DM_ASSIGN(decoder_, model::Decoder::load(*parts_.file, load));
  DM_TRY(parts_.check_vocabulary(decoder_->config().n_vocab));
  DM_ASSIGN(cache_, kv::Cache::create(geometry, {.format = {}, .budget_bytes = kv_bytes, .share_prefixes = false,
                                                 .identity = {}}, *parts_.kernels));
  return {};
}

std::vector<int32_t> NativeLanguageModel::encode(std::string_view text) const {
  return parts_.tokenizer->encode(text, {.add_special = false, .parse_special = false});
}

std::optional<int32_t> NativeLanguageModel::first_token() const {
  const tokenizer::Vocabulary& vocabulary = parts_.tokenizer->vocabulary();
  return vocabulary.add_bos ? vocabulary.bos : std::nullopt;
}

Status NativeLanguageModel::begin_context() {
  sequence_.reset();  // its blocks go back first
  DM_ASSIGN(sequence_, cache_->new_sequence(n_context_));
  return {};
}

Status NativeLanguageModel::logits(std::span<const int32_t> tokens, std::span<float> out) {
  if (sequence_ == nullptr) return Error{ErrorCode::kInvalidArgument, "no context was begun"};
  return decoder_->forward(*sequence_, tokens, out);
}

}  // namespace docmind::providers
