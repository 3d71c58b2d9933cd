// GET /v1/models and /v1/models/{id}.
// SPDX-License-Identifier: Apache-2.0
#include "server/openai_models.h"

#include "base/clock.h"
#include "server/model_names.h"
#include "server/send.h"

namespace docmind::server {
namespace {

json::object model_object(const ListedModel& model, int64_t created) {
  json::object object{{"id", model.id}, {"object", "model"}, {"created", created}, {"owned_by", model.owner},
                      {"role", model_role_name(model.role)}};
  if (model.n_context > 0) object["max_model_len"] = model.n_context;
  return object;
}

void list_all(pipeline::Service& service, int64_t created, const ExchangePtr& exchange) {
  json::array data;
  for (const ListedModel& model : list_models(service, exchange->caller().tenant)) {
    data.push_back(model_object(model, created));
  }
  send_json(exchange, json::object{{"object", "list"}, {"data", std::move(data)}});
}

void find_one(pipeline::Service& service, int64_t created, const ExchangePtr& exchange) {
  const std::string& wanted = exchange->request().path_values.at(0);
  for (const ListedModel& model : list_models(service, exchange->caller().tenant)) {
    if (model.id == wanted || model.id == without_tag(wanted)) return send_json(exchange, model_object(model, created));
  }
  send_error(exchange, unknown_model(service, exchange->caller().tenant, wanted), Dialect::kOpenAi);
}

}  // namespace

void add_model_routes(Router& router, pipeline::Service& service) {
  const int64_t created = unix_time_ms() / 1'000;  // when they were loaded, nearly
  router.add({.method = "GET", .pattern = "/v1/models",
              .handler = [&service, created](const ExchangePtr& exchange) { list_all(service, created, exchange); },
              .is_work = false});
  // A collection's model has a slash in its name.
  router.add({.method = "GET", .pattern = "/v1/models/{id...}",
              .handler = [&service, created](const ExchangePtr& exchange) { find_one(service, created, exchange); },
              .is_work = false});
}

}  // namespace docmind::server
