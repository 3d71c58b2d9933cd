// TextModel: a loaded language model that continues prompts, many at a time.
// SPDX-License-Identifier: Apache-2.0
#include "engine/text_model.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "kv/layout.h"

namespace docmind::engine {
namespace {

constexpr int64_t kDefaultContext = 8'192;

Result<int64_t> context_of(int64_t wanted, int64_t made_for, const std::string& path) {
  if (wanted == 0) return std::min(made_for, kDefaultContext);
  if (wanted <= made_for) return wanted;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("a context of {} tokens is wanted, but '{}' was made for {}", wanted,
                           printable(path), made_for)};
}

// A whole context and a quarter, and a piece of a prompt, which is exact while it is read.
Result<size_t> default_budget(const kv::Geometry& geometry, const EngineOptions& options, int64_t n_context) {
  DM_ASSIGN(const kv::Layout layout, kv::Layout::create(geometry, options.kv_format));
  const int64_t n_piece = std::min(n_context, options.scheduler.prefill_tokens);
  const auto n_blocks = static_cast<size_t>(n_piece / kernels::kKvBlockTokens + 1);
  return layout.sequence_bytes(n_context + n_context / 4) + n_blocks * layout.block_bytes();
}

}  // namespace

TextModel::~TextModel() = default;

Result<std::unique_ptr<TextModel>> TextModel::load(const std::string& path,
                                                   const EngineOptions& options) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kText, options));
  std::unique_ptr<TextModel> model(new TextModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_TRY(model->read_chat_template());
  const int64_t n_batch = std::max({ModelParts::kPieceTokens, options.scheduler.prefill_tokens,
                                    options.scheduler.max_sequences});
  DM_ASSIGN(model->decoder_, model::Decoder::load(*own.file, own.load_options(options.progress, n_batch)));
  const model::DecoderConfig& config = model->decoder_->config();
  DM_TRY(own.check_vocabulary(config.n_vocab));
  DM_ASSIGN(model->n_context_, context_of(options.n_context, config.n_context, path));
  model->kv_settings_ = kv::format_settings(options.kv_format);
  DM_TRY(model->start_scheduler(options));
  return model;
}

Status TextModel::read_chat_template() {
  DM_ASSIGN(const std::string_view chat_template, parts_.file->text_or("tokenizer.chat_template", ""));
  has_chat_template_ = !chat_template.empty();
  if (!has_chat_template_) return {};
  Result<tokenizer::ChatFamily> family = tokenizer::recognise_chat_family(chat_template);
  if (family.ok()) family_ = *family;
  else family_error_ = std::move(family).error();
  const bool mentions_tools = chat_template.find("tools") != std::string_view::npos;
  knows_tools_ = family_ && mentions_tools && tokenizer::supports_tools(*family_);
  return {};
}

Status TextModel::start_scheduler(const EngineOptions& options) {
  size_t budget = options.kv_budget_bytes;
  if (budget == 0) {
    DM_ASSIGN(budget, default_budget(decoder_->kv_geometry(), options, n_context_));
  }
  // Instruction sets round differently, and what is shared must be what would be computed.
  const std::string identity = fmt::format("{}/{}", info().fingerprint, info().isa);
  DM_ASSIGN(scheduler_, Scheduler::start({.decoder = decoder_.get(),
                                          .kernels = parts_.kernels,
                                          .tokenizer = parts_.tokenizer.get(),
                                          .n_context = n_context_,
                                          .cache = {.format = options.kv_format,
                                                    .budget_bytes = budget,
                                                    .share_prefixes = options.share_prefixes,
                                                    .exact_reuse = options.exact_reuse,
                                                    .identity = identity},
                                          .spill_folder = options.spill_folder,
                                          .options = options.scheduler}));
  return {};
}

Result<std::vector<TokenId>> TextModel::encode_chat(std::span<const tokenizer::ChatMessage> messages,
                                                    const tokenizer::ChatOptions& options) const {
  if (family_error_) return Error(*family_error_);
  if (!options.tools.empty() && !knows_tools_) {
    const std::string_view family = family_ ? tokenizer::chat_family_name(*family_) : "none";
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{} tools are declared, but the model's chat template (family: {}) knows none",
                             options.tools.size(), family)};
  }
  if (family_) return tokenizer::encode_chat(tokenizer(), *family_, messages, options);
  std::string text;
  for (const tokenizer::ChatMessage& message : messages) {
    if (message.content.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += message.content;
  }
  return tokenizer().encode(text, {.add_special = true, .parse_special = false});
}

Result<std::unique_ptr<TextStream>> TextModel::submit(TextRequest request) {
  return scheduler_->submit(std::move(request));
}

Result<std::vector<std::unique_ptr<TextStream>>> TextModel::submit_many(TextRequest request, int64_t n) {
  return scheduler_->submit_many(std::move(request), n);
}

Result<Generation> TextModel::generate(std::span<const TokenId> prompt, const GenerateOptions& options,
                                       const PieceSink& sink, const CancelToken& cancel) {
  DM_ASSIGN(const std::unique_ptr<TextStream> stream,
            submit({.prompt = {prompt.begin(), prompt.end()}, .options = options, .cancel = cancel}));
  while (const std::optional<std::string> piece = stream->next()) {
    const bool wanted = !sink || sink(*piece);
    // Pieces may be there already that nobody wants any more.
    if (!wanted || cancel.cancelled()) return stream->stop_here();
  }
  return stream->finish();
}

}  // namespace docmind::engine
