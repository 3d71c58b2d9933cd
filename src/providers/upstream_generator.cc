// The generator over another server's language model.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "providers/answer_stream.h"
#include "providers/rag_prompt.h"
#include "providers/token_estimate.h"
#include "providers/upstream.h"
#include "providers/upstream_identity.h"
#include "providers/written_answer.h"

namespace docmind::providers {
namespace {

// What a chat template puts around system and user text, at most.
constexpr int64_t kChatFrameTokens = 96;
// Of a server that does not say how long its context is.
constexpr int64_t kAssumedContext = 4'096;

class UpstreamGenerator final : public Generator {
 public:
  explicit UpstreamGenerator(std::shared_ptr<Upstream> upstream) : upstream_(std::move(upstream)) {}

  // Asks the server what it is, if that is not known; one that does not answer has its model's name only.
  ProviderInfo info() const override { return {upstream_label(*upstream_), identity_of(known_or_none())}; }
  Result<GenerateResult> generate(const GenerateRequest& request, const TextSink& sink,
                                  const CancelToken& cancel) const override;
  bool quotes_documents() const override { return false; }

 private:
  [[nodiscard]] UpstreamCapabilities known_or_none() const;
  [[nodiscard]] std::string identity_of(const UpstreamCapabilities& known) const;
  Result<RagPrompt> make_prompt(const GenerateRequest& request, const UpstreamCapabilities& known,
                                const CancelToken& cancel) const;
  Result<RagPrompt> make_counted_prompt(const GenerateRequest& request, size_t max_tokens,
                                        const CancelToken& cancel) const;

  std::shared_ptr<Upstream> upstream_;
};

UpstreamCapabilities UpstreamGenerator::known_or_none() const {
  Result<UpstreamCapabilities> known = upstream_->capabilities({});
  return known.ok() ? *std::move(known) : UpstreamCapabilities{};
}

std::string UpstreamGenerator::identity_of(const UpstreamCapabilities& known) const {
  const UpstreamOptions& o = upstream_->options();
  std::string text = fmt::format("{}/{}/{}/{}/{}", upstream_identity(*upstream_, known), kRagPromptVersion,
                                 known.n_context.value_or(kAssumedContext), o.thinking, o.temperature);
  if (o.temperature > 0) text += fmt::format("/{}/{}/{}/{}", o.top_k, o.top_p, o.min_p, o.seed);
  return text;
}

// With counts of the server's own tokenizer, each text asked for once.
Result<RagPrompt> UpstreamGenerator::make_counted_prompt(const GenerateRequest& request, size_t max_tokens,
                                                         const CancelToken& cancel) const {
  std::map<std::string, size_t, std::less<>> counted;
  std::optional<Error> failure;
  const auto count = [&](std::string_view text) -> size_t {
    if (const auto found = counted.find(text); found != counted.end()) return found->second;
    if (failure) return static_cast<size_t>(estimate_tokens(text));
    Result<int64_t> n_tokens = upstream_->count_tokens(text, cancel);
    if (!n_tokens.ok()) failure = std::move(n_tokens).error();
    const auto n = static_cast<size_t>(failure ? estimate_tokens(text) : *n_tokens);
    counted.emplace(text, n);
    return n;
  };
  Result<RagPrompt> prompt = make_rag_prompt(request.question, request.passages, max_tokens, count, request.language);
  if (failure) return *std::move(failure);
  return prompt;
}

// The estimate is rather too large, so what fits by it fits. Only where it leaves something out the server counts.
Result<RagPrompt> UpstreamGenerator::make_prompt(const GenerateRequest& request, const UpstreamCapabilities& known,
                                                 const CancelToken& cancel) const {
  const int64_t n_context = known.n_context.value_or(kAssumedContext);
  const int64_t n_answer = std::min<int64_t>(request.max_tokens, n_context / kLeastPromptShare);
  const auto n_room = static_cast<size_t>(std::max<int64_t>(n_context - n_answer - kChatFrameTokens, 0));
  const auto estimate = [](std::string_view text) { return static_cast<size_t>(estimate_tokens(text)); };
  Result<RagPrompt> prompt = make_rag_prompt(request.question, request.passages, n_room, estimate, request.language);
  const bool whole = prompt.ok() && prompt->n_passages == request.passages.size() && !prompt->cut;
  if (whole || !known.counts_tokens) return prompt;
  return make_counted_prompt(request, n_room, cancel);
}

Result<GenerateResult> UpstreamGenerator::generate(const GenerateRequest& request, const TextSink& sink,
                                                   const CancelToken& cancel) const {
  DM_ASSIGN(const UpstreamCapabilities known, upstream_->capabilities(cancel));
  DM_ASSIGN(RagPrompt prompt, make_prompt(request, known, cancel));
  const std::span<const Passage> given = request.passages.first(prompt.n_passages);
  AnswerStream stream(given.size(), sink);
  bool any_text = false;
  const auto feed = [&](std::string_view piece) {
    any_text = true;
    return stream.feed(piece);
  };
  const int64_t n_most = known.n_context.value_or(kAssumedContext) / kLeastPromptShare;
  const int64_t max_tokens = std::min<int64_t>(request.max_tokens, n_most);
  Result<Upstream::ChatResult> made = upstream_->chat(
      {.system = std::move(prompt.system), .user = std::move(prompt.user), .max_tokens = max_tokens}, feed, cancel);
  if (!made.ok()) {
    return made.error().code == ErrorCode::kCancelled ? written_answer_stopped() : std::move(made).error();
  }
  DM_ASSIGN(GenerateResult result,
            finish_written_answer(stream, given,
                                  {.finish_reason = made->finish_reason,
                                   .n_prompt_tokens = made->n_prompt_tokens,
                                   .n_completion_tokens = made->n_completion_tokens,
                                   .max_tokens = max_tokens,
                                   .only_thought = !any_text && made->finish_reason == "length"}));
  result.identity = identity_of(known);
  return result;
}

}  // namespace

std::unique_ptr<Generator> make_upstream_generator(std::shared_ptr<Upstream> upstream) {
  return std::make_unique<UpstreamGenerator>(std::move(upstream));
}

}  // namespace docmind::providers
