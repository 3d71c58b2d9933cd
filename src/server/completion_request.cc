// CompletionRequest: the body of POST /v1/completions, checked; free of any model.
// SPDX-License-Identifier: Apache-2.0
#include "server/completion_request.h"

#include <algorithm>

#include <fmt/format.h>

namespace docmind::server {
namespace {

constexpr int64_t kMaxCompletionLogprobs = 20;

std::vector<std::string> read_prompts(JsonFields& fields) {
  const json::value* prompt = fields.any("prompt");
  if (prompt == nullptr) {
    fields.fail("prompt", "is missing; it must be a text or a list of texts");
    return {};
  }
  if (const json::array* list = prompt->if_array(); list != nullptr && !list->empty()) {
    if (!list->front().is_string()) {
      fields.fail("prompt", list->front().is_number() || list->front().is_array()
                                ? kSendText : std::string_view("must be a text or a list of texts"));
      return {};
    }
  }
  std::vector<std::string> prompts = fields.texts("prompt", kMaxPrompts).value_or(std::vector<std::string>());
  if (prompts.empty()) fields.fail("prompt", "is an empty list");
  return prompts;
}

// Choosing the best of several needs the log-probabilities of whole texts, and costs all of them.
void refuse_unoffered(JsonFields& fields, int64_t n) {
  const auto best_of = fields.integer("best_of", 1, kMaxTexts);
  if (best_of && *best_of != n) {
    fields.fail("best_of", fmt::format("is {} and n is {}; choosing among more texts than are returned is not offered, "
                                       "ask for n and choose", *best_of, n));
  }
  const auto suffix = fields.text("suffix");
  if (suffix && !suffix->empty()) fields.fail("suffix", "is not offered: the models here write forward only");
}

}  // namespace

std::optional<CompletionRequest> parse_completion_request(std::string_view body, int64_t max_tokens, ApiError& error) {
  const std::optional<json::object> object = parse_body(body, error);
  if (!object) return std::nullopt;
  JsonFields fields(*object);
  CompletionRequest request;
  request.model = fields.text("model", kMaxModelNameBytes).value_or("");
  request.prompts = read_prompts(fields);
  request.generation = read_generation_fields(fields, max_tokens);
  // OpenAI's default, where chats have none.
  if (fields.any("max_tokens") == nullptr && fields.any("max_completion_tokens") == nullptr) {
    constexpr int64_t kDefaultTokens = 16;
    request.generation.options.max_tokens = std::min(kDefaultTokens, max_tokens);
  }
  request.echo = fields.boolean("echo").value_or(false);
  if (const auto top = fields.integer("logprobs", 0, kMaxCompletionLogprobs)) {
    request.generation.options.sampling.n_top_logprobs = static_cast<size_t>(*top);
    if (request.echo) fields.fail("logprobs", "with echo is not offered: prompts have no log-probabilities here");
  }
  refuse_unoffered(fields, request.generation.n);
  const auto n_texts = static_cast<int64_t>(request.prompts.size()) * request.generation.n;
  if (n_texts > kMaxTexts) {
    fields.fail(
        "n", fmt::format("times the number of prompts is {}; at most {} texts are made at once", n_texts, kMaxTexts));
  }
  if (!fields.ok()) {
    error = *fields.error();
    return std::nullopt;
  }
  return request;
}

}  // namespace docmind::server
