// TextModel: a loaded language model that continues prompts, one at a time.
// SPDX-License-Identifier: Apache-2.0
#include "engine/text_model.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/stop_strings.h"
#include "tokenizer/utf8_stream.h"

namespace docmind::engine {
namespace {

constexpr int64_t kDefaultContext = 8'192;

// From tokens to text that can be shown.
class TextPipe {
 public:
  TextPipe(const tokenizer::Tokenizer& tokenizer, const GenerateOptions& options,
           const PieceSink& sink, std::string& text)
      : tokenizer_(tokenizer), stop_(options.stop), sink_(sink), text_(text) {}

  // False when the sink wants no more.
  bool push(TokenId token) { return show(stop_.feed(utf8_.push(tokenizer_.piece(token, false)))); }
  bool finish() {
    const bool wanted = show(stop_.feed(utf8_.finish()));
    return show(stop_.finish()) && wanted;
  }
  bool stopped() const { return stop_.stopped(); }

 private:
  bool show(const std::string& piece) {
    text_ += piece;
    return piece.empty() || !sink_ || sink_(piece);
  }

  const tokenizer::Tokenizer& tokenizer_;
  tokenizer::Utf8Stream utf8_;
  StopStrings stop_;
  const PieceSink& sink_;
  std::string& text_;
};

Result<int64_t> context_of(int64_t wanted, int64_t made_for, const std::string& path) {
  if (wanted == 0) return std::min(made_for, kDefaultContext);
  if (wanted <= made_for) return wanted;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("a context of {} tokens is wanted, but '{}' was made for {}", wanted,
                           printable(path), made_for)};
}

// A prompt enters in pieces, between which a cancel is seen: the largest for models that take a
// second or two for it, smaller ones for large models.
size_t piece_tokens(int64_t macs_per_token) {
  constexpr int64_t kPieceMacs = 500'000'000'000;
  constexpr int64_t kLeastTokens = 64;  // fewer, and reading the weights takes as long as multiplying
  const int64_t n = kPieceMacs / std::max<int64_t>(macs_per_token, 1);
  return static_cast<size_t>(std::clamp(n, kLeastTokens, ModelParts::kPieceTokens));
}

double per_second(int64_t n, double ms) { return ms > 0 ? static_cast<double>(n) * 1000 / ms : 0; }

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
  }
  return "";
}

double Generation::prefill_tps() const {
  return per_second(n_prompt_tokens - n_reused_tokens, prefill_ms);
}

double Generation::decode_tps() const { return per_second(n_completion_tokens - 1, decode_ms); }

TextModel::~TextModel() = default;

Result<std::unique_ptr<TextModel>> TextModel::load(const std::string& path,
                                                   const EngineOptions& options) {
  DM_ASSIGN(ModelParts parts, open_model_parts(path, ModelKind::kText, options));
  std::unique_ptr<TextModel> model(new TextModel(std::move(parts)));
  const ModelParts& own = model->parts_;
  DM_ASSIGN(const std::string_view chat_template, own.file->text_or("tokenizer.chat_template", ""));
  model->has_chat_template_ = !chat_template.empty();
  if (model->has_chat_template_) {
    Result<tokenizer::ChatFamily> family = tokenizer::recognise_chat_family(chat_template);
    if (family.ok()) model->family_ = *family;
    else model->family_error_ = std::move(family).error();
  }
  DM_ASSIGN(model->decoder_, model::Decoder::load(*own.file, own.load_options(options.progress, ModelParts::kPieceTokens)));
  const model::DecoderConfig& config = model->decoder_->config();
  DM_TRY(own.check_vocabulary(config.n_vocab));
  DM_ASSIGN(model->n_context_, context_of(options.n_context, config.n_context, path));
  model->logits_.resize(static_cast<size_t>(config.n_vocab));
  return model;
}

Result<std::vector<TokenId>> TextModel::encode_chat(std::span<const tokenizer::ChatMessage> messages,
                                                    const tokenizer::ChatOptions& options) const {
  if (family_error_) return Error(*family_error_);
  if (family_) return tokenizer::encode_chat(tokenizer(), *family_, messages, options);
  std::string text;
  for (const tokenizer::ChatMessage& message : messages) {
    if (message.content.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += message.content;
  }
  return tokenizer().encode(text, {.add_special = true, .parse_special = false});
}

Status TextModel::check_prompt(std::span<const TokenId> prompt, const GenerateOptions& options) const {
  DM_TRY(check(options.sampling));
  if (options.max_tokens < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("max_tokens must be at least 1, not {}", options.max_tokens)};
  }
  if (prompt.empty()) return Error{ErrorCode::kInvalidArgument, "the prompt is empty"};
  if (static_cast<int64_t>(prompt.size()) >= n_context_) {
    return Error{ErrorCode::kLimit,
                 fmt::format("the prompt has {} tokens and the context holds {} with the answer; "
                             "shorten the prompt or raise model.context",
                             prompt.size(), n_context_)};
  }
  const int64_t n_vocab = decoder_->config().n_vocab;
  for (const TokenId token : prompt) {
    if (token >= 0 && token < n_vocab) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the prompt has token {}, the model's are 0 to {}", token, n_vocab - 1)};
  }
  return {};
}

Status TextModel::append(std::span<const TokenId> tokens, std::span<float> logits) {
  DM_TRY(decoder_->forward(*sequence_, tokens, logits));
  held_.insert(held_.end(), tokens.begin(), tokens.end());
  return {};
}

// The prompt's logits need its last token at least, so that one is never taken from before.
Status TextModel::prefill(std::span<const TokenId> prompt, const CancelToken& cancel, Generation& out) {
  const Stopwatch clock;
  if (!sequence_) {
    DM_ASSIGN(sequence_, decoder_->new_sequence(n_context_));
    held_.reserve(static_cast<size_t>(n_context_));
  }
  const size_t n_before = std::min(held_.size(), prompt.size() - 1);
  const auto differs = std::mismatch(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(n_before),
                                     prompt.begin());
  const auto n_same = static_cast<size_t>(differs.first - held_.begin());
  sequence_->truncate(static_cast<int64_t>(n_same));
  held_.resize(n_same);
  out.n_reused_tokens = static_cast<int64_t>(n_same);
  out.n_prompt_tokens = static_cast<int64_t>(prompt.size());
  const size_t piece = piece_tokens(decoder_->macs_per_token());
  while (held_.size() < prompt.size() && !cancel.cancelled()) {
    const size_t n_left = prompt.size() - held_.size();
    const size_t n = std::min(n_left, piece);
    DM_TRY(append(prompt.subspan(held_.size(), n), n == n_left ? std::span(logits_) : std::span<float>()));
  }
  out.prefill_ms = clock.elapsed_ms();
  return {};
}

Status TextModel::decode(const GenerateOptions& options, const PieceSink& sink,
                         const CancelToken& cancel, const Stopwatch& clock, Generation& out) {
  Sampler sampler(options.sampling, logits_.size());
  TextPipe pipe(tokenizer(), options, sink, out.text);
  Stopwatch since_first;
  bool wanted = true;
  for (out.finish = FinishReason::kCancelled; !cancel.cancelled();) {
    DM_ASSIGN(const TokenId token, sampler.sample(logits_));
    if (out.n_completion_tokens == 0) {
      out.first_token_ms = clock.elapsed_ms();
      since_first.restart();
    }
    if (!options.ignore_end && tokenizer().ends_generation(token)) {
      out.finish = FinishReason::kStop;
      break;
    }
    ++out.n_completion_tokens;
    if (options.sampling.n_top_logprobs) {
      const auto top = sampler.top_logprobs();
      out.scored.push_back({{token, sampler.logprob()}, {top.begin(), top.end()}});
    }
    wanted = pipe.push(token);
    if (pipe.stopped()) out.finish = FinishReason::kStop;
    if (!wanted || pipe.stopped()) break;
    if (out.n_completion_tokens == options.max_tokens ||
        static_cast<int64_t>(held_.size()) == n_context_) {
      out.finish = FinishReason::kLength;
      break;
    }
    DM_TRY(append({&token, 1}, logits_));
  }
  if (wanted && !pipe.finish()) out.finish = FinishReason::kCancelled;
  out.decode_ms = since_first.elapsed_ms();
  return {};
}

Result<Generation> TextModel::generate(std::span<const TokenId> prompt, const GenerateOptions& options,
                                       const PieceSink& sink, const CancelToken& cancel) {
  const Stopwatch clock;
  DM_TRY(check_prompt(prompt, options));
  const std::lock_guard lock(mutex_);
  Generation out;
  DM_TRY(prefill(prompt, cancel, out));
  DM_TRY(decode(options, sink, cancel, clock, out));
  return out;
}

}  // namespace docmind::engine
