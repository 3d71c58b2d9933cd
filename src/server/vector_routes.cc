// Routes of vectors and scores: OpenAI's embeddings, rerank as Jina, Cohere and TEI have it, TEI's own.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "server/embedding_route.h"
#include "server/response_text.h"
#include "server/routes.h"
#include "server/send.h"
#include "server/tei.h"
#include "server/vector_json.h"
#include "server/vector_work.h"

namespace docmind::server {
namespace {

std::string embedding_list(const Exchange&, const EmbeddingRequest& request, const VectorTarget& target,
                           const Embedded& made) {
  std::string out = R"({"object":"list","data":[)";
  const std::span<const float> rows(made.rows);
  for (size_t i = 0; i < request.texts.size(); ++i) {
    const auto row = rows.subspan(i * made.dimension, made.dimension);
    fmt::format_to(std::back_inserter(out), R"({}{{"object":"embedding","index":{},"embedding":)", i > 0 ? "," : "", i);
    if (request.base64) out += '"' + base64_of(row) + '"';
    else append_vector(out, row);
    out += '}';
  }
  json::object usage{{"prompt_tokens", made.n_tokens}, {"total_tokens", made.n_tokens}};
  if (made.n_cut_tokens > 0) usage["truncated_tokens"] = made.n_cut_tokens;
  out += R"(],"model":)";
  append_json_string(out, target.model);
  out += ",\"usage\":" + json::serialize(usage) + "}";
  return out;
}

json::object rerank_object(const RerankRequest& request, const VectorTarget& target, const Ranked& ranked) {
  const auto n = std::min(static_cast<size_t>(request.top_n.value_or(INT64_MAX)), ranked.best.size());
  json::array results;
  for (size_t i = 0; i < n; ++i) {
    const Ranked::Place& place = ranked.best[i];
    json::object result{{"index", place.document}, {"relevance_score", place.score}};
    if (request.return_documents) result["document"] = json::object{{"text", request.documents[place.document]}};
    results.push_back(std::move(result));
  }
  json::object usage{{"prompt_tokens", ranked.n_tokens}, {"total_tokens", ranked.n_tokens}};
  if (ranked.n_cut_tokens > 0) usage["truncated_tokens"] = ranked.n_cut_tokens;
  return {{"id", new_id("rerank-")},
          {"object", "list"},
          {"model", target.model},
          {"results", std::move(results)},
          {"usage", std::move(usage)},
          {"meta", json::object{{"api_version", json::object{{"version", "2"}}},
                                {"billed_units", json::object{{"search_units", 1}}},
                                {"tokens", json::object{{"input_tokens", ranked.n_tokens}}}}}};
}

void answer_rerank(pipeline::Service& service, const RouteOptions& options, const ExchangePtr& exchange) {
  ApiError error;
  const auto request = parse_rerank_request(exchange->request().body, error);
  if (!request) {
    // Which dialect it was can be told even so.
    const bool tei = exchange->request().body.find("\"texts\"") != std::string::npos;
    return send_error(exchange, error, tei ? Dialect::kTei : Dialect::kOpenAi);
  }
  const Dialect dialect = request->tei ? Dialect::kTei : Dialect::kOpenAi;
  const auto call = vector_call(*exchange, options, error);
  if (!call) return send_error(exchange, error, dialect);
  const auto target = find_vector_model(service, call->tenant, ModelRole::kRerank, request->model, error);
  if (!target) return send_error(exchange, error, dialect);
  const auto ranked = rank_documents(service, *target, *request, *call, error);
  if (!ranked) return send_error(exchange, error, dialect);
  json::value answer = request->tei ? json::value(tei_ranks(*request, *ranked))
                                    : json::value(rerank_object(*request, *target, *ranked));
  send_json(exchange, answer, cut_headers(ranked->n_cut_tokens));
}

}  // namespace

void add_vector_routes(Router& router, pipeline::Service& service, const RouteOptions& options) {
  add_embedding_route(router, service, options, "/v1/embeddings",
                      {parse_embedding_request, embedding_list, Dialect::kOpenAi});
  add_embedding_route(router, service, options, "/embed", {parse_tei_embed_request, tei_vectors, Dialect::kTei});
  for (const std::string_view path : {"/v1/rerank", "/v2/rerank", "/rerank", "/reranking", "/v1/reranking"}) {
    router.add(
        {.method = "POST", .pattern = std::string(path), .handler = [&service, options](const ExchangePtr& exchange) {
           work_for(service, exchange, Dialect::kOpenAi,
                    [&service, options, exchange] { answer_rerank(service, options, exchange); });
         }});
  }
  add_tei_routes(router, service);
}

}  // namespace docmind::server
