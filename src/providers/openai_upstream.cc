// OpenAiUpstream: servers that speak OpenAI's protocol: llama.cpp's, vLLM, LM Studio, docmind's own and others.
// SPDX-License-Identifier: Apache-2.0
#include "providers/openai_upstream.h"

#include <algorithm>

#include <fmt/format.h>

#include "providers/openai_chat.h"
#include "providers/openai_listed.h"
#include "providers/openai_vectors.h"
#include "providers/token_estimate.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

// Texts in one request; what servers take at least.
constexpr size_t kMostTexts = 32;

bool loads_still(const HttpAnswer& answer) { return answer.end == HttpEnd::kAnswered && answer.status == 503; }

}  // namespace

OpenAiUpstream::OpenAiUpstream(const UpstreamOptions& options)
    : UpstreamBase(options), dialect_(options.spec.kind) {}

Result<std::vector<UpstreamModel>> OpenAiUpstream::models(const CancelToken& cancel) {
  DM_ASSIGN(const std::vector<Listed> listed, list(cancel));
  std::vector<UpstreamModel> models;
  for (const Listed& model : listed) models.push_back({.name = model.id, .n_context = model.n_context});
  return models;
}

UpstreamHealth OpenAiUpstream::health(const CancelToken& cancel) {
  const bool has_route = dialect_ == UpstreamKind::kLlamaCpp || dialect_ == UpstreamKind::kVllm;
  const HttpAnswer answer = caller_.look({.path = has_route ? "/health" : "/v1/models", .body = {}}, cancel);
  if (answer.ok()) return {.ready = true, .text = "ready"};
  if (loads_still(answer)) return {.ready = false, .text = "is loading its model or not ready"};
  return {.ready = false, .text = upstream_error(options(), answer).message};
}

Result<Upstream::ChatResult> OpenAiUpstream::chat(const ChatRequest& request, const TextSink& sink,
                                                  const CancelToken& cancel) {
  DM_ASSIGN(const UpstreamCapabilities known, capabilities(cancel));
  const int64_t n_least = least_tokens(request.system) + least_tokens(request.user);
  if (known.n_context && n_least >= *known.n_context) {
    return upstream_too_long(options(), n_least, *known.n_context);
  }
  OpenAiChatReader reader(options(), sink);
  DM_TRY(caller_.stream({.path = "/v1/chat/completions",
                         .body = openai_chat_body(options(), dialect_, known.model, request)},
                        reader, cancel));
  const ChatResult& result = reader.result();
  const std::string_view texts[] = {request.system, request.user};
  DM_TRY(check_all_read(result.n_prompt_tokens, texts));
  // LM Studio ends a prompt that is too long with an empty answer and no error.
  if (!reader.gave_text() && result.finish_reason != "length" && result.n_completion_tokens == 0) {
    return upstream_malformed(options(), fmt::format("gave an empty answer; its context may be too short for a prompt "
                                                     "of about {} tokens",
                                                     estimate_tokens(request.system) + estimate_tokens(request.user)));
  }
  return result;
}

UpstreamCall OpenAiUpstream::tokenize_call(std::string_view model, std::string_view text) const {
  const json::object body = dialect_ == UpstreamKind::kVllm
                                ? json::object{{"model", model}, {"prompt", text}, {"add_special_tokens", false}}
                                : json::object{{"model", model}, {"content", text}, {"add_special", false}};
  return {.path = "/tokenize", .body = json::serialize(body), .repeatable = true, .is_question = true};
}

Result<int64_t> OpenAiUpstream::count_tokens(std::string_view text, const CancelToken& cancel) {
  DM_ASSIGN(const UpstreamCapabilities known, capabilities(cancel));
  if (!known.counts_tokens) return estimate_tokens(text);
  int64_t n_tokens = 0;
  DM_TRY(caller_.ask(
      tokenize_call(known.model, text),
      [&](const json::value& answer) -> Status {
        const json::array* tokens = json_list(answer, {"tokens"});
        const std::optional<int64_t> count = json_count(answer, {"count"});
        if (tokens == nullptr && !count) return upstream_malformed(options(), "did not count the tokens of a text");
        n_tokens = count.value_or(tokens != nullptr ? static_cast<int64_t>(tokens->size()) : 0);
        return {};
      },
      cancel));
  return n_tokens;
}

Result<std::vector<std::vector<float>>> OpenAiUpstream::embed(std::span<const std::string_view> texts,
                                                              const CancelToken& cancel) {
  DM_ASSIGN(const UpstreamCapabilities known, capabilities(cancel));
  const bool as_base64 = dialect_ == UpstreamKind::kLlamaCpp || dialect_ == UpstreamKind::kVllm;
  std::vector<std::vector<float>> rows;
  for (size_t done = 0; done < texts.size(); done += kMostTexts) {
    const auto some = texts.subspan(done, std::min(kMostTexts, texts.size() - done));
    EmbeddingAnswer embedded;
    DM_TRY(caller_.ask({.path = "/v1/embeddings",
                        .body = openai_embedding_body(known.model, some, as_base64),
                        .repeatable = true},
                       [&](const json::value& answer) -> Status {
                         DM_ASSIGN(embedded, read_openai_embeddings(options(), answer, some.size()));
                         return {};
                       },
                       cancel));
    DM_TRY(check_all_read(embedded.n_tokens, some));
    count_embedded(embedded.n_tokens);
    std::ranges::move(embedded.rows, std::back_inserter(rows));
  }
  DM_TRY(check_same_length(options(), rows));
  return rows;
}

Result<std::vector<double>> OpenAiUpstream::rerank(std::string_view query, std::span<const std::string_view> documents,
                                                   const CancelToken& cancel) {
  if (documents.empty()) return std::vector<double>{};
  DM_ASSIGN(const UpstreamCapabilities known, capabilities(cancel));
  std::vector<double> scores;
  const JsonTaker take = [&](const json::value& answer) -> Status {
    DM_ASSIGN(scores, read_rerank(options(), answer, documents.size()));
    return {};
  };
  UpstreamCall call{.path = short_rerank_path_ ? "/rerank" : "/v1/rerank",
                    .body = rerank_body(known.model, query, documents),
                    .repeatable = true};
  Status first = caller_.ask(call, take, cancel);
  if (!first.ok() && first.error().code == ErrorCode::kNotFound && !short_rerank_path_) {
    call.path = "/rerank";
    const Status second = caller_.ask(call, take, cancel);
    if (second.ok()) short_rerank_path_ = true;
    if (second.ok() || second.error().code != ErrorCode::kNotFound) first = second;
  }
  if (!first.ok()) return Error(first.error()).with_context("reranking");
  return scores;
}

std::shared_ptr<Upstream> make_openai_upstream(const UpstreamOptions& options) {
  return std::make_shared<OpenAiUpstream>(options);
}

}  // namespace docmind::providers
