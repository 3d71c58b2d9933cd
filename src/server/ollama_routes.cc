// Routes of Ollama's native interface.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "server/ollama.h"
#include "server/ollama_models.h"
#include "server/ollama_readers.h"
#include "server/ollama_request.h"
#include "server/ollama_vectors.h"
#include "server/request_time.h"
#include "server/routes.h"
#include "server/send.h"
#include "server/start_texts.h"

namespace docmind::server {
namespace {

// What the handlers of this dialect share.
struct OllamaRoutes {
  OllamaRoutes(pipeline::Service& own_service, const RouteOptions& own_options)
      : service(own_service), options(own_options), pump(own_service.metrics()),
        models(read_ollama_models(own_service.models())) {}
  pipeline::Service& service;
  const RouteOptions options;
  StreamPump pump;
  const std::vector<OllamaModel> models;
};

void refuse_ollama(const ExchangePtr& exchange, ApiError error) {
  if (error.code == "model_not_found") error.message += "; see docmind models pull, and start docmind serve with it";
  if (error.status == 429) error.status = 503;  // as Ollama says that its queue is full
  send_error(exchange, error, Dialect::kOllama);
}

// A context that the client counts on and does not get would lose the beginning of its prompts.
bool has_context(const engine::TextModel& model, const OllamaOptions& options, ApiError& error) {
  if (!options.n_ctx || *options.n_ctx <= model.n_context()) return true;
  error = bad_field("options.num_ctx", fmt::format("is {}; the model was loaded with a context of {} (model.context)",
                                                   *options.n_ctx, model.n_context()));
  error.n_ctx = model.n_context();
  return false;
}

// Starts what was prepared; `prepared` empty: `error` says why.
void start_ollama(OllamaRoutes& routes, const ExchangePtr& exchange, std::optional<PreparedText> prepared,
                  OllamaForm form, ApiError error) {
  if (!prepared) return refuse_ollama(exchange, error);
  const auto left_ms = time_left_ms(*exchange, routes.options.request_timeout_ms, error);
  if (!left_ms) return refuse_ollama(exchange, error);
  form.choice = prepared->form;
  const bool stream = form.stream;
  std::vector<PreparedText> prompts;
  prompts.push_back(*std::move(prepared));
  const auto refused = start_texts(routes.service, routes.pump,
                                   {.exchange = exchange, .n = 1, .stream = stream, .time_left_ms = *left_ms},
                                   std::move(prompts), ollama_reader(exchange, std::move(form)));
  if (refused) refuse_ollama(exchange, *refused);
}

void ollama_chat(OllamaRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto request = parse_ollama_chat(exchange->request().body, routes.options.max_tokens, error);
  if (!request) return refuse_ollama(exchange, error);
  const ChatRequest& chat = request->chat;
  const auto target = find_chat_model(routes.service, exchange->caller().tenant, chat.model, chat.collection, error);
  if (!target) return refuse_ollama(exchange, error);
  OllamaForm form{
      .model = chat.model.empty() ? target->model : chat.model, .chat = true, .stream = chat.generation.stream};
  if (chat.turns.empty()) return send_ollama_nothing(exchange, form, request->options.unload ? "unload" : "load");
  if (target->collection) {
    auto question = documents_question(chat, *target->collection, error);
    if (!question) return refuse_ollama(exchange, error);
    return ask_documents(routes.service, routes.options, exchange, *std::move(question),
                         ollama_answer_reader(exchange, std::move(form), *target->collection));
  }
  const engine::TextModel& model = *routes.service.models().text;
  if (!has_context(model, request->options, error)) return refuse_ollama(exchange, error);
  auto prepared = prepare_chat(model, chat, error);
  start_ollama(routes, exchange, std::move(prepared), std::move(form), error);
}

void ollama_generate(OllamaRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto request = parse_ollama_generate(exchange->request().body, routes.options.max_tokens, error);
  if (!request) return refuse_ollama(exchange, error);
  const ChatRequest& chat = request->chat;
  if (!find_text_model(routes.service, exchange->caller().tenant, chat.model, error))
    return refuse_ollama(exchange, error);
  OllamaForm form{.model = chat.model.empty() ? routes.service.models().text_name : chat.model, .chat = false,
                  .stream = chat.generation.stream};
  if (request->prompt.empty()) return send_ollama_nothing(exchange, form, request->options.unload ? "unload" : "load");
  const engine::TextModel& model = *routes.service.models().text;
  if (!has_context(model, request->options, error)) return refuse_ollama(exchange, error);
  auto prepared = request->raw ? prepare_raw(model, chat, request->prompt, error) : prepare_chat(model, chat, error);
  start_ollama(routes, exchange, std::move(prepared), std::move(form), error);
}

void ollama_list(OllamaRoutes& routes, const ExchangePtr& exchange, bool loaded) {
  json::array rows;
  for (const OllamaModel& model : routes.models) rows.push_back(ollama_row(model, loaded));
  if (!loaded) {
    for (const ListedModel& model : list_models(routes.service, exchange->caller().tenant)) {
      if (model.role == ModelRole::kDocuments) rows.push_back(ollama_row(documents_model(model.id), false));
    }
  }
  send_json(exchange, json::object{{"models", std::move(rows)}});
}

void ollama_show_model(OllamaRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto body = parse_body(exchange->request().body, error);
  if (!body) return refuse_ollama(exchange, error);
  JsonFields fields(*body);
  std::string name = fields.text("model", kMaxModelNameBytes).value_or("");
  if (name.empty()) name = fields.text("name", kMaxModelNameBytes).value_or("");
  if (name.empty()) fields.fail("model", "is missing");
  if (!fields.ok()) return refuse_ollama(exchange, *fields.error());
  for (const OllamaModel& model : routes.models) {
    if (model.name == name || model.name == without_tag(name)) return send_json(exchange, ollama_show(model));
  }
  for (const ListedModel& model : list_models(routes.service, exchange->caller().tenant)) {
    if (model.role == ModelRole::kDocuments && model.id == without_tag(name)) {
      return send_json(exchange, ollama_show(documents_model(model.id)));
    }
  }
  refuse_ollama(exchange, unknown_model(routes.service, exchange->caller().tenant, name));
}

// What changes models is done by a person at the machine, not by whoever reaches the port.
void add_refused_routes(Router& router) {
  struct Refused {
    const char* method;
    const char* path;
    const char* command;
  };
  constexpr Refused kRefused[] = {
      {"POST", "/api/pull", "docmind models pull NAME fetches a model"},
      {"POST", "/api/push", "models are not published from here"},
      {"POST", "/api/create", "docmind quantize makes a model from another, and the configuration names it"},
      {"POST", "/api/copy", "the configuration names models; copy the file"},
      {"DELETE", "/api/delete", "docmind models rm NAME deletes one"},
  };
  for (const Refused& refused : kRefused) {
    router.add({.method = refused.method,
                .pattern = refused.path,
                .handler =
                    [refused](const ExchangePtr& exchange) {
                      send_error(
                          exchange,
                          {.status = 501,
                           .message = fmt::format("{} is not offered over HTTP: {}", refused.path, refused.command)},
                          Dialect::kOllama);
                    },
                .dialect = Dialect::kOllama,
                .is_work = false});
  }
}

}  // namespace

bool wants_ollama_banner(const HttpRequest& request) {
  const auto accept = request.header("accept");
  return !accept || accept->find("text/html") == std::string_view::npos;
}

void add_ollama_routes(Router& router, pipeline::Service& service, const RouteOptions& options) {
  const auto routes = std::make_shared<OllamaRoutes>(service, options);
  const auto add = [&](std::string_view path, void (*handle)(OllamaRoutes&, const ExchangePtr&)) {
    router.add({.method = "POST",
                .pattern = std::string(path),
                .handler =
                    [routes, handle](const ExchangePtr& exchange) {
                      look_at_request(routes->service, exchange, Dialect::kOllama,
                                      [routes, handle, exchange] { handle(*routes, exchange); });
                    },
                .dialect = Dialect::kOllama});
  };
  const auto add_get = [&](std::string_view path, Handler handler) {
    router.add({.method = "GET", .pattern = std::string(path), .handler = std::move(handler),
                .dialect = Dialect::kOllama, .is_work = false});
  };
  add("/api/chat", ollama_chat);
  add("/api/generate", ollama_generate);
  add("/api/show", ollama_show_model);
  add_get("/api/tags", [routes](const ExchangePtr& exchange) { ollama_list(*routes, exchange, false); });
  add_get("/api/ps", [routes](const ExchangePtr& exchange) { ollama_list(*routes, exchange, true); });
  add_get("/api/version", [routes](const ExchangePtr& exchange) {
    send_json(exchange, json::object{{"version", routes->service.options().version}});
  });
  add_refused_routes(router);
  add_ollama_vector_routes(router, service, options);
}

}  // namespace docmind::server
