// A route that answers with vectors, in whichever dialect.
// SPDX-License-Identifier: Apache-2.0
#include "server/embedding_route.h"

#include "server/request_time.h"
#include "server/send.h"

namespace docmind::server {
namespace {

void refuse_embedding(const ExchangePtr& exchange, ApiError error, Dialect dialect) {
  if (dialect == Dialect::kOllama && error.status == 429) error.status = 503;  // as Ollama says that its queue is full
  send_error(exchange, error, dialect);
}

void answer_embedding(pipeline::Service& service, const RouteOptions& options, const EmbeddingRoute& route,
                      const ExchangePtr& exchange) {
  ApiError error;
  const auto request = route.parse(exchange->request().body, error);
  if (!request) return refuse_embedding(exchange, error, route.dialect);
  const auto call = vector_call(*exchange, options, error);
  if (!call) return refuse_embedding(exchange, error, route.dialect);
  const auto target = find_vector_model(service, call->tenant, ModelRole::kEmbedding, request->model, error);
  if (!target) return refuse_embedding(exchange, error, route.dialect);
  std::optional<Embedded> made = Embedded{};
  if (!request->texts.empty()) made = embed_texts(service, *target, *request, *call, error);
  if (!made) return refuse_embedding(exchange, error, route.dialect);
  exchange->respond({.headers = cut_headers(made->n_cut_tokens),
                     .body = route.format(*exchange, *request, *target, *made)});
}

}  // namespace

HeaderList cut_headers(int64_t n_cut_tokens) {
  if (n_cut_tokens == 0) return {};
  return {{std::string(kCutTokensHeader), std::to_string(n_cut_tokens)}};
}

std::optional<VectorCall> vector_call(const Exchange& exchange, const RouteOptions& options, ApiError& error) {
  const auto left_ms = time_left_ms(exchange, options.request_timeout_ms, error);
  if (!left_ms) return std::nullopt;
  return VectorCall{.tenant = exchange.caller().tenant, .timeout_ms = static_cast<double>(*left_ms),
                    .cancel = exchange.cancel()};
}

void add_embedding_route(Router& router, pipeline::Service& service, const RouteOptions& options,
                         std::string_view path, const EmbeddingRoute& route) {
  router.add({.method = "POST", .pattern = std::string(path),
              .handler = [&service, options, route](const ExchangePtr& exchange) {
    work_for(service, exchange, route.dialect,
             [&service, options, route, exchange] { answer_embedding(service, options, route, exchange); });
  }, .dialect = route.dialect});
}

}  // namespace docmind::server
