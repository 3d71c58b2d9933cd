// OllamaUpstream: Ollama in its own protocol, which says more than the OpenAI-shaped one: context, digest, counts.
// SPDX-License-Identifier: Apache-2.0
#include "providers/ollama_upstream.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/ollama_chat.h"
#include "providers/openai_vectors.h"
#include "providers/token_estimate.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

constexpr size_t kMostTextsPerRequest = 32;
constexpr size_t kMostNamesShown = 8;
constexpr int64_t kShortAnswerMs = 10'000;
// What a chat template adds to a prompt, at most.
constexpr int64_t kTemplateTokens = 96;
// num_ctx goes in powers of two from here on.
constexpr int64_t kLeastContext = 4'096;
// Where neither the model nor the user says it: Ollama's own least.
constexpr int64_t kUnknownContext = 4'096;
// Versions that left cached tokens out of prompt_eval_count, so that it says nothing about truncation.
constexpr std::string_view kUncountedVersion = "0.30.";

std::string quoted_names(const std::vector<std::string>& names) {
  std::string text = names.empty() ? "none" : "";
  for (size_t i = 0; i < std::min(names.size(), kMostNamesShown); ++i) {
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(names[i]));
  }
  return names.size() > kMostNamesShown ? text + ", ..." : text;
}

// "<architecture>.context_length" of a model's description.
std::optional<int64_t> trained_context(const json::value& shown) {
  const json::value* info = json_at(shown, {"model_info"});
  const json::object* fields = info != nullptr ? info->if_object() : nullptr;
  if (fields == nullptr) return std::nullopt;
  const std::string name = std::string(json_text(*info, {"general.architecture"})) + ".context_length";
  const auto n = json_count(*info, {name});
  return n && *n > 0 ? n : std::nullopt;
}

bool has_capability(const json::value& shown, std::string_view wanted) {
  const json::array* list = json_list(shown, {"capabilities"});
  return list != nullptr && std::ranges::any_of(*list, [&](const json::value& one) {
           const json::string* text = one.if_string();
           return text != nullptr && std::string_view(*text) == wanted;
         });
}

json::array input_list(std::span<const std::string_view> texts) {
  json::array list;
  for (const std::string_view text : texts) list.emplace_back(text);
  return list;
}

// Rows of "embeddings", as the shape of OpenAI's items.
json::value as_items(const json::value& answer) {
  json::array items;
  if (const json::array* rows = json_list(answer, {"embeddings"})) {
    for (const json::value& row : *rows) items.push_back(json::object{{"embedding", row}});
  }
  const int64_t n_tokens = json_count(answer, {"prompt_eval_count"}).value_or(0);
  return json::object{{"data", std::move(items)}, {"usage", json::object{{"prompt_tokens", n_tokens}}}};
}

}  // namespace

struct OllamaUpstream::Listed {
  std::string name;
  std::string digest;
};

Result<std::vector<OllamaUpstream::Listed>> OllamaUpstream::list(const CancelToken& cancel) {
  std::vector<Listed> listed;
  const auto take = [&](const json::value& answer) -> Status {
    const json::array* models = json_list(answer, {"models"});
    if (models == nullptr) return upstream_malformed(options(), "gave no list of models");
    listed.clear();
    for (const json::value& model : *models) {
      const std::string_view name = json_text(model, {"name"});
      if (!name.empty()) listed.push_back({std::string(name), std::string(json_text(model, {"digest"}))});
    }
    return {};
  };
  DM_TRY(caller_.ask({.path = "/api/tags", .body = {}, .repeatable = true, .is_question = true,
                      .first_byte_timeout_ms = kShortAnswerMs},
                     take, cancel));
  return listed;
}

Result<std::vector<UpstreamModel>> OllamaUpstream::models(const CancelToken& cancel) {
  DM_ASSIGN(const std::vector<Listed> listed, list(cancel));
  std::vector<UpstreamModel> models;
  for (const Listed& model : listed) models.push_back({.name = model.name, .n_context = std::nullopt});
  return models;
}

UpstreamHealth OllamaUpstream::health(const CancelToken& cancel) {
  const HttpAnswer answer = caller_.look({.path = "/api/version", .body = {}}, cancel);
  if (answer.ok()) return {.ready = true, .text = "ready"};
  return {.ready = false, .text = upstream_error(options(), answer).message};
}

// "qwen3" is "qwen3:latest".
Result<OllamaUpstream::Listed> OllamaUpstream::find_model(const CancelToken& cancel) {
  DM_ASSIGN(const std::vector<Listed> all, list(cancel));
  const std::string& wanted = options().spec.model;
  std::vector<std::string> names;
  for (const Listed& model : all) {
    if (model.name == wanted || model.name == wanted + ":latest") return model;
    names.push_back(model.name);
  }
  if (wanted.empty() && all.size() == 1) return all.front();
  if (wanted.empty()) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} has {} models, so name one of them: {}",
                                                          upstream_name(options().spec), all.size(),
                                                          quoted_names(names))};
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("{} has no model '{}'; get it with: ollama pull {} (it has {})",
                           upstream_name(options().spec), printable(wanted), printable(wanted), quoted_names(names))};
}

Result<UpstreamCapabilities> OllamaUpstream::discover(const CancelToken& cancel) {
  DM_ASSIGN(const Listed model, find_model(cancel));
  UpstreamCapabilities found{.server = "Ollama", .model = model.name, .fingerprint = model.digest};
  if (const auto answer = look({.path = "/api/version", .body = {}}, cancel)) {
    const std::string_view version = json_text(*answer, {"version"});
    if (!version.empty()) found.server = fmt::format("Ollama {}", version);
    counts_cached_ = !version.starts_with(kUncountedVersion);
  }
  const auto take = [&](const json::value& shown) -> Status {
    found.n_context = trained_context(shown);
    found.thinks = has_capability(shown, "thinking");
    found.embeds = has_capability(shown, "embedding");
    found.generates = has_capability(shown, "completion") || json_list(shown, {"capabilities"}) == nullptr;
    return {};
  };
  const UpstreamCall show{.path = "/api/show",
                          .body = json::serialize(json::object{{"model", model.name}}),
                          .repeatable = true,
                          .is_question = true,
                          .first_byte_timeout_ms = kShortAnswerMs};
  DM_TRY(caller_.ask(show, take, cancel));
  const int64_t limit = options().n_context;
  if (limit > 0) found.n_context = std::min(found.n_context.value_or(limit), limit);
  return found;
}

// Ollama cuts what does not fit into num_ctx without a word, and its default is small; so it is asked for what the
// request needs.
Result<int64_t> OllamaUpstream::context_for(const UpstreamCapabilities& known, const ChatRequest& request) {
  const int64_t limit = known.n_context.value_or(kUnknownContext);
  const int64_t n_least = least_tokens(request.system) + least_tokens(request.user);
  if (n_least >= limit) return upstream_too_long(options(), n_least, limit);
  if (options().n_context > 0) return limit;
  const int64_t n_needed = estimate_tokens(request.system) + estimate_tokens(request.user) + kTemplateTokens +
                           std::clamp<int64_t>(request.max_tokens, 0, limit);
  const auto n_rounded = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max(n_needed, kLeastContext))));
  int64_t asked = n_context_asked_;
  while (asked < n_rounded && !n_context_asked_.compare_exchange_weak(asked, n_rounded)) {
  }
  return std::min(std::max(asked, n_rounded), limit);
}

Result<Upstream::ChatResult> OllamaUpstream::chat(const ChatRequest& request, const TextSink& sink,
                                                  const CancelToken& cancel) {
  DM_ASSIGN(const UpstreamCapabilities known, capabilities(cancel));
  DM_ASSIGN(const int64_t n_context, context_for(known, request));
  OllamaChatReader reader(options(), sink);
  DM_TRY(caller_.stream({.path = "/api/chat", .body = ollama_chat_body(options(), known, n_context, request)}, reader,
                        cancel));
  const std::string_view texts[] = {request.system, request.user};
  if (counts_cached_) DM_TRY(check_all_read(reader.result().n_prompt_tokens, texts));
  return reader.result();
}

Result<int64_t> OllamaUpstream::count_tokens(std::string_view text, const CancelToken&) {
  return estimate_tokens(text);
}

Result<std::vector<std::vector<float>>> OllamaUpstream::embed(std::span<const std::string_view> texts,
                                                              const CancelToken& cancel) {
  DM_ASSIGN(const UpstreamCapabilities known, capabilities(cancel));
  std::vector<std::vector<float>> rows;
  for (size_t done = 0; done < texts.size(); done += kMostTextsPerRequest) {
    const auto some = texts.subspan(done, std::min(kMostTextsPerRequest, texts.size() - done));
    EmbeddingAnswer embedded;
    const UpstreamCall call{
        .path = "/api/embed",
        .body = json::serialize(
            json::object{{"model", known.model}, {"input", input_list(some)}, {"truncate", false}}),
        .repeatable = true};
    DM_TRY(caller_.ask(call,
                       [&](const json::value& answer) -> Status {
                         DM_ASSIGN(embedded, read_openai_embeddings(options(), as_items(answer), some.size()));
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

Result<std::vector<double>> OllamaUpstream::rerank(std::string_view, std::span<const std::string_view>,
                                                   const CancelToken&) {
  return Error{ErrorCode::kUnsupported,
               fmt::format("{} cannot rerank: Ollama has no route for it; leave reranker.path empty, name a GGUF file, "
                           "or use a llama.cpp server that was started with --reranking (llamacpp:)",
                           upstream_name(options().spec))};
}

std::shared_ptr<Upstream> make_ollama_upstream(const UpstreamOptions& options) {
  return std::make_shared<OllamaUpstream>(options);
}

}  // namespace docmind::providers
