// What a server of OpenAI's protocol says about itself: its models, its context, whether it counts tokens.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "providers/http_url.h"
#include "providers/openai_listed.h"
#include "providers/openai_upstream.h"
#include "providers/upstream_errors.h"
#include "providers/upstream_json.h"

namespace docmind::providers {
namespace {

constexpr size_t kMaxNamesShown = 8;
constexpr int64_t kListTimeoutMs = 10'000;

// "n_params-size", which no other file of that name is likely to have; or the path that vLLM loads from.
std::string fingerprint_of(const json::value& model) {
  const auto n_params = json_count(model, {"meta", "n_params"});
  const auto n_bytes = json_count(model, {"meta", "size"});
  if (n_params && n_bytes) return fmt::format("{}-{}", *n_params, *n_bytes);
  return std::string(json_text(model, {"root"}));
}

std::optional<int64_t> context_of(const json::value& model) {
  if (const auto n = json_count(model, {"max_model_len"}); n && *n > 0) return n;
  if (const auto n = json_count(model, {"meta", "n_ctx"}); n && *n > 0) return n;
  return std::nullopt;
}

}  // namespace

Result<std::vector<OpenAiUpstream::Listed>> OpenAiUpstream::list(const CancelToken& cancel) {
  std::vector<Listed> listed;
  const auto take = [&](const json::value& answer) -> Status {
    const json::array* data = json_list(answer, {"data"});
    if (data == nullptr) return upstream_malformed(options(), "gave no list of models");
    listed.clear();
    for (const json::value& model : *data) {
      const std::string_view id = json_text(model, {"id"});
      if (id.empty()) continue;
      listed.push_back({.id = std::string(id),
                        .owner = std::string(json_text(model, {"owned_by"})),
                        .role = std::string(json_text(model, {"role"})),
                        .fingerprint = fingerprint_of(model),
                        .n_context = context_of(model)});
    }
    return {};
  };
  DM_TRY(caller_.ask({.path = "/v1/models", .body = {}, .repeatable = true, .is_question = true,
                      .first_byte_timeout_ms = kListTimeoutMs},
                     take, cancel));
  return listed;
}

Result<OpenAiUpstream::Listed> OpenAiUpstream::find_model(const CancelToken& cancel) {
  const std::string& wanted = options().spec.model;
  Result<std::vector<Listed>> listed = list(cancel);
  if (!listed.ok()) {
    // Not every server has a list.
    const bool no_list = listed.error().code == ErrorCode::kNotFound && !wanted.empty();
    return no_list ? Result<Listed>(Listed{.id = wanted}) : Result<Listed>(std::move(listed).error());
  }
  const std::vector<Listed>& all = *listed;
  for (const Listed& model : all) {
    if (model.id == wanted) return model;
  }
  if (wanted.empty() && all.size() == 1) return all.front();
  // llama.cpp answers to any name, and lists its own.
  const bool one_for_all = all.size() == 1 && (options().spec.kind == UpstreamKind::kLlamaCpp ||
                                               all.front().owner == "llamacpp");
  if (one_for_all) {
    Listed model = all.front();
    model.id = wanted;
    return model;
  }
  std::string names;
  for (size_t i = 0; i < std::min(all.size(), kMaxNamesShown); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(all[i].id));
  }
  if (all.size() > kMaxNamesShown) names += ", ...";
  if (all.empty()) names = "none";
  if (wanted.empty()) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} has {} models, so name one of them: {}",
                                                          upstream_name(options().spec), all.size(), names)};
  }
  return Error{ErrorCode::kNotFound, fmt::format("{} has no model '{}'; it has {}", upstream_name(options().spec),
                                                 printable(wanted), names)};
}

Result<UpstreamCapabilities> OpenAiUpstream::discover(const CancelToken& cancel) {
  DM_ASSIGN(const Listed model, find_model(cancel));
  UpstreamCapabilities found{.server = upstream_name(options().spec),
                             .model = model.id,
                             .fingerprint = model.fingerprint,
                             .n_context = model.n_context};
  if (options().spec.kind == UpstreamKind::kOpenAi && !options().spec.lm_studio) {
    if (model.owner == "llamacpp" || model.owner == "docmind") dialect_ = UpstreamKind::kLlamaCpp;
    if (model.owner == "vllm") dialect_ = UpstreamKind::kVllm;
  }
  found.embeds = model.role == "embedding" || model.role == "embed";
  found.reranks = model.role == "rerank" || model.role == "reranker";
  found.generates = !found.embeds && !found.reranks;
  if (options().spec.lm_studio) ask_lm_studio(found, cancel);
  if (dialect_ == UpstreamKind::kLlamaCpp) ask_llama_cpp(found, cancel);
  if (dialect_ == UpstreamKind::kVllm) ask_vllm(found, cancel);
  const int64_t limit = options().n_context;
  if (limit > 0) found.n_context = std::min(found.n_context.value_or(limit), limit);
  if (cancel.cancelled()) return Error{ErrorCode::kCancelled, "stopped while a server was asked what it can do"};
  return found;
}

void OpenAiUpstream::ask_llama_cpp(UpstreamCapabilities& found, const CancelToken& cancel) {
  if (const auto props = look({.path = "/props?model=" + url_escape(found.model), .body = {}}, cancel)) {
    const auto n_context = json_count(*props, {"default_generation_settings", "n_ctx"});
    if (n_context && *n_context > 0) found.n_context = n_context;
    const std::string_view build = json_text(*props, {"build_info"});
    if (!build.empty()) found.server = build.starts_with("docmind") ? build : fmt::format("llama.cpp {}", build);
  }
  const auto tokens = look(tokenize_call(found.model, "a"), cancel);
  found.counts_tokens = tokens && json_list(*tokens, {"tokens"}) != nullptr;
}

void OpenAiUpstream::ask_vllm(UpstreamCapabilities& found, const CancelToken& cancel) {
  if (const auto version = look({.path = "/version", .body = {}}, cancel)) {
    const std::string_view text = json_text(*version, {"version"});
    if (!text.empty()) found.server = fmt::format("vLLM {}", text);
  }
  const auto tokens = look(tokenize_call(found.model, "a"), cancel);
  found.counts_tokens = tokens && json_count(*tokens, {"count"}).has_value();
}

// LM Studio's own list says what the model was loaded with, which is less than what it could do.
void OpenAiUpstream::ask_lm_studio(UpstreamCapabilities& found, const CancelToken& cancel) {
  const auto answer = look({.path = "/api/v0/models", .body = {}}, cancel);
  const json::array* models = answer ? json_list(*answer, {"data"}) : nullptr;
  if (models == nullptr) return;
  for (const json::value& model : *models) {
    if (json_text(model, {"id"}) != found.model) continue;
    if (const auto n = json_count(model, {"loaded_context_length"})) found.n_context = n;
    found.embeds = json_text(model, {"type"}) == "embeddings";
    found.generates = !found.embeds;
    found.fingerprint = fmt::format("{}/{}", json_text(model, {"arch"}), json_text(model, {"quantization"}));
  }
}

}  // namespace docmind::providers
