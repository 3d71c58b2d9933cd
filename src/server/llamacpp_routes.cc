// Routes that clients of llama.cpp's server ask beside OpenAI's: props, slots, tokens.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/model_card.h"
#include "server/any_tokenizer.h"
#include "server/model_names.h"
#include "server/routes.h"
#include "server/send.h"
#include "server/tei.h"
#include "server/text_prompt.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxDetokenized = 1 << 20;

struct LlamaCppRoutes {
  pipeline::Service& service;
  const RouteOptions options;
  std::string chat_template;  // of the language model's file
};

void refuse_llamacpp(const ExchangePtr& exchange, const ApiError& error) {
  send_error(exchange, error, Dialect::kOpenAi);
}

json::object no_text_model() {
  return {{"default_generation_settings", json::object{{"n_ctx", 0}}}, {"total_slots", 0}, {"model_alias", ""},
          {"model_path", ""}, {"chat_template", ""}};
}

std::string token_text(const tokenizer::Tokenizer& tokenizer, std::optional<tokenizer::TokenId> token) {
  return token ? to_valid_utf8(tokenizer.piece(*token, true)) : std::string();
}

void llamacpp_props(const LlamaCppRoutes& routes, const ExchangePtr& exchange) {
  const pipeline::Models& models = routes.service.models();
  json::object object = no_text_model();
  if (models.text) {
    const tokenizer::Vocabulary& vocabulary = models.text->tokenizer().vocabulary();
    const engine::GenerateOptions defaults;
    object["default_generation_settings"] = json::object{
        {"n_ctx", models.text->n_context()},
        {"params", json::object{{"n_predict", routes.options.max_tokens}, {"temperature", 1.0}, {"top_k", 0},
                                {"top_p", 1.0}, {"min_p", 0.0}, {"repeat_penalty", 1.0}}}};
    object["total_slots"] = routes.service.setpoints().max_sequences;
    object["model_alias"] = models.text_name;
    object["model_path"] = to_valid_utf8(models.text->info().path);
    object["chat_template"] = routes.chat_template;
    object["bos_token"] = token_text(models.text->tokenizer(), vocabulary.bos);
    object["eos_token"] = token_text(models.text->tokenizer(), vocabulary.eos);
  }
  object["modalities"] = json::object{{"vision", false}, {"audio", false}};
  object["build_info"] = "docmind " + routes.service.options().version;
  send_json(exchange, object);
}

// One row for each text that may run; which of them works is all that can be told, since texts have no place of
// their own here.
void llamacpp_slots(const LlamaCppRoutes& routes, const ExchangePtr& exchange) {
  json::array rows;
  if (const auto& text = routes.service.models().text) {
    const engine::SchedulerStats stats = text->stats();
    const int64_t n = std::max(routes.service.setpoints().max_sequences, stats.n_running);
    for (int64_t i = 0; i < n; ++i) {
      rows.push_back(json::object{{"id", i}, {"n_ctx", text->n_context()}, {"is_processing", i < stats.n_running}});
    }
  }
  send_json(exchange, rows);
}

json::array with_pieces(const tokenizer::Tokenizer& tokenizer, const std::vector<tokenizer::TokenId>& tokens) {
  json::array all;
  for (const tokenizer::TokenId token : tokens) {
    const std::string bytes = tokenizer.piece(token, true);
    json::value piece = json::value(bytes);
    if (!is_valid_utf8(bytes)) {  // then the bytes, as llama.cpp has it
      json::array list;
      for (const char byte : bytes) list.emplace_back(static_cast<int64_t>(static_cast<unsigned char>(byte)));
      piece = std::move(list);
    }
    all.push_back(json::object{{"id", token}, {"piece", std::move(piece)}});
  }
  return all;
}

// llama.cpp's with "content", TEI's with "inputs".
void llamacpp_tokenize(const LlamaCppRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto body = parse_body(exchange->request().body, error);
  if (!body) return refuse_llamacpp(exchange, error);
  const std::string& tenant = exchange->caller().tenant;
  if (body->contains("inputs")) {
    json::array tokens;
    if (!tei_tokens(routes.service, tenant, *body, tokens, error)) return send_error(exchange, error, Dialect::kTei);
    return send_json(exchange, tokens);
  }
  JsonFields fields(*body);
  const std::string content = fields.required_text("content");
  const bool add_special = fields.boolean("add_special").value_or(false);
  const bool parse_special = fields.boolean("parse_special").value_or(true);
  const bool pieces = fields.boolean("with_pieces").value_or(false);
  const std::string model = fields.text("model", 512).value_or("");
  if (!fields.ok()) return refuse_llamacpp(exchange, *fields.error());
  const tokenizer::Tokenizer* tokenizer = any_tokenizer(routes.service, tenant, model, TokensOf::kText, error);
  if (tokenizer == nullptr) return refuse_llamacpp(exchange, error);
  const auto tokens = tokenizer->encode(content, {.add_special = add_special, .parse_special = parse_special});
  json::array list = pieces ? with_pieces(*tokenizer, tokens) : json::array(tokens.begin(), tokens.end());
  send_json(exchange, json::object{{"tokens", std::move(list)}});
}

void llamacpp_detokenize(const LlamaCppRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto body = parse_body(exchange->request().body, error);
  if (!body) return refuse_llamacpp(exchange, error);
  JsonFields fields(*body);
  const std::string model = fields.text("model", 512).value_or("");
  const json::array* given = fields.array("tokens", kMaxDetokenized);
  if (given == nullptr) fields.fail("tokens", "is missing; it must be a list of token ids");
  if (!fields.ok()) return refuse_llamacpp(exchange, *fields.error());
  const tokenizer::Tokenizer* tokenizer =
      any_tokenizer(routes.service, exchange->caller().tenant, model, TokensOf::kText, error);
  if (tokenizer == nullptr) return refuse_llamacpp(exchange, error);
  const auto tokens = read_token_ids(fields, "tokens", *given, tokenizer->n_tokens());
  if (!fields.ok()) return refuse_llamacpp(exchange, *fields.error());
  send_json(exchange, json::object{{"content", to_valid_utf8(tokenizer->decode(tokens, true))}});
}

// The prompt of a conversation, as text.
void llamacpp_template(const LlamaCppRoutes& routes, const ExchangePtr& exchange) {
  ApiError error;
  const auto request = parse_chat_request(exchange->request().body, routes.options.max_tokens, error);
  if (!request) return refuse_llamacpp(exchange, error);
  if (!find_text_model(routes.service, exchange->caller().tenant, request->model, error)) {
    return refuse_llamacpp(exchange, error);
  }
  const engine::TextModel& model = *routes.service.models().text;
  const auto prepared = prepare_chat(model, *request, error);
  if (!prepared) return refuse_llamacpp(exchange, error);
  send_json(exchange, json::object{{"prompt", to_valid_utf8(model.tokenizer().decode(prepared->prompt, true))}});
}

}  // namespace

void add_llamacpp_routes(Router& router, pipeline::Service& service, const RouteOptions& options) {
  std::string chat_template;
  if (service.models().text) {
    if (auto card = engine::read_model_card(service.models().text->info().path); card.ok()) {
      chat_template = std::move(card->chat_template);
    }
  }
  const auto routes = std::make_shared<LlamaCppRoutes>(service, options, std::move(chat_template));
  const auto add = [&](std::string_view path, void (*handle)(const LlamaCppRoutes&, const ExchangePtr&)) {
    router.add(
        {.method = "POST", .pattern = std::string(path), .handler = [routes, handle](const ExchangePtr& exchange) {
           look_at_request(routes->service, exchange, Dialect::kOpenAi,
                           [routes, handle, exchange] { handle(*routes, exchange); });
         }});
  };
  add("/tokenize", llamacpp_tokenize);
  add("/detokenize", llamacpp_detokenize);
  add("/apply-template", llamacpp_template);
  router.add({.method = "GET",
              .pattern = "/props",
              .handler = [routes](const ExchangePtr& exchange) { llamacpp_props(*routes, exchange); },
              .is_work = false});
  router.add({.method = "GET",
              .pattern = "/slots",
              .handler = [routes](const ExchangePtr& exchange) { llamacpp_slots(*routes, exchange); },
              .is_work = false});
}

}  // namespace docmind::server
