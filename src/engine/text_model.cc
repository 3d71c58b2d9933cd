// TextModel: a loaded language model that continues prompts, many at a time.
// SPDX-License-Identifier: Apache-2.0
#include "engine/text_model.h"

#include <fmt/format.h>

#include "engine/text_memory.h"

namespace docmind::engine {

TextModel::~TextModel() = default;

Result<std::unique_ptr<TextModel>> TextModel::load(const std::string& path,
                                                   const EngineOptions& options) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kText, options));
  std::unique_ptr<TextModel> model(new TextModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_TRY(model->read_chat_template());
  DM_ASSIGN(model->decoder_, model::Decoder::load(*own.file, own.load_options(options.progress,
                                                                              text_batch_tokens(options))));
  const model::DecoderConfig& config = model->decoder_->config();
  DM_TRY(own.check_vocabulary(config.n_vocab));
  DM_ASSIGN(model->n_context_, text_context(options.n_context, config.n_context, path));
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
  DM_ASSIGN(const size_t budget, text_kv_budget(decoder_->kv_geometry(), options, n_context_));
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
