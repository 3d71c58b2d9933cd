// Routes of OpenAI's chats and completions.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "base/clock.h"
#include "server/completion_request.h"
#include "server/model_names.h"
#include "server/openai_documents.h"
#include "server/openai_models.h"
#include "server/openai_readers.h"
#include "server/request_time.h"
#include "server/response_text.h"
#include "server/routes.h"
#include "server/send.h"
#include "server/start_texts.h"

namespace docmind::server {
namespace {

// What the handlers of this dialect share.
struct OpenAiRoutes {
  OpenAiRoutes(pipeline::Service& own_service, const RouteOptions& own_options)
      : service(own_service), options(own_options), pump(own_service.metrics()) {}
  pipeline::Service& service;
  const RouteOptions options;
  StreamPump pump;
};

ResponseHead text_head(pipeline::Service& service, std::string_view prefix, std::string object) {
  return {.id = new_id(prefix), .object = std::move(object), .created = unix_time_ms() / 1'000,
          .model = service.models().text_name, .fingerprint = fingerprint_of(*service.models().text)};
}

void refuse_openai(const ExchangePtr& exchange, const ApiError& error) {
  send_error(exchange, error, Dialect::kOpenAi);
}

void chat_by_model(OpenAiRoutes& routes, const ExchangePtr& exchange, const ChatRequest& request) {
  ApiError error;
  const auto left_ms = time_left_ms(*exchange, routes.options.request_timeout_ms, error);
  if (!left_ms) return refuse_openai(exchange, error);
  const engine::TextModel& model = *routes.service.models().text;
  auto prepared = prepare_chat(model, request, error);
  if (!prepared) return refuse_openai(exchange, error);
  const GenerationFields& wanted = request.generation;
  OpenAiForm form{
      .head = text_head(routes.service, "chatcmpl-", wanted.stream ? "chat.completion.chunk" : "chat.completion"),
      .chat = true,
      .stream = wanted.stream,
      .include_usage = wanted.include_usage,
      .logprobs = wanted.options.sampling.n_top_logprobs.has_value(),
      .n_texts = static_cast<size_t>(wanted.n),
      .choice = prepared->form,
      .tokenizer = &model.tokenizer()};
  std::vector<PreparedText> prompts;
  prompts.push_back(*std::move(prepared));
  const auto refused =
      start_texts(routes.service, routes.pump,
                  {.exchange = exchange, .n = wanted.n, .stream = wanted.stream, .time_left_ms = *left_ms},
                  std::move(prompts), openai_reader(exchange, std::move(form)));
  if (refused) refuse_openai(exchange, *refused);
}

void openai_chat(OpenAiRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto request = parse_chat_request(exchange->request().body, routes.options.max_tokens, error);
  if (!request) return refuse_openai(exchange, error);
  const auto target =
      find_chat_model(routes.service, exchange->caller().tenant, request->model, request->collection, error);
  if (!target) return refuse_openai(exchange, error);
  if (target->collection) return chat_by_documents(routes.service, routes.options, exchange, *request, *target);
  chat_by_model(routes, exchange, *request);
}

void openai_complete(OpenAiRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto request = parse_completion_request(exchange->request().body, routes.options.max_tokens, error);
  if (!request) return refuse_openai(exchange, error);
  if (!find_text_model(routes.service, exchange->caller().tenant, request->model, error))
    return refuse_openai(exchange, error);
  const auto left_ms = time_left_ms(*exchange, routes.options.request_timeout_ms, error);
  if (!left_ms) return refuse_openai(exchange, error);
  const engine::TextModel& model = *routes.service.models().text;
  const GenerationFields& wanted = request->generation;
  OpenAiForm form{.head = text_head(routes.service, "cmpl-", "text_completion"),
                  .chat = false, .stream = wanted.stream, .include_usage = wanted.include_usage,
                  .logprobs = wanted.options.sampling.n_top_logprobs.has_value(),
                  .n_texts = request->prompts.size() * static_cast<size_t>(wanted.n),
                  .n_prompts = request->prompts.size(), .tokenizer = &model.tokenizer()};
  std::vector<PreparedText> prompts;
  for (const std::string& prompt : request->prompts) {
    auto prepared = prepare_plain(model, prompt, wanted.options, "prompt", error);
    if (!prepared) return refuse_openai(exchange, error);
    prompts.push_back(*std::move(prepared));
    for (int64_t i = 0; request->echo && i < wanted.n; ++i) form.echoes.push_back(prompt);
  }
  const auto refused =
      start_texts(routes.service, routes.pump,
                  {.exchange = exchange, .n = wanted.n, .stream = wanted.stream, .time_left_ms = *left_ms},
                  std::move(prompts), openai_reader(exchange, std::move(form)));
  if (refused) refuse_openai(exchange, *refused);
}

}  // namespace

void add_openai_routes(Router& router, pipeline::Service& service, const RouteOptions& options) {
  const auto routes = std::make_shared<OpenAiRoutes>(service, options);
  const auto add = [&](std::string_view path, void (*handle)(OpenAiRoutes&, const ExchangePtr&)) {
    router.add(
        {.method = "POST", .pattern = std::string(path), .handler = [routes, handle](const ExchangePtr& exchange) {
           look_at_request(routes->service, exchange, Dialect::kOpenAi,
                           [routes, handle, exchange] { handle(*routes, exchange); });
         }});
  };
  add("/v1/chat/completions", openai_chat);
  add("/v1/completions", openai_complete);
  add_model_routes(router, service);
}

}  // namespace docmind::server
