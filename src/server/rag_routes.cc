// /v1/rag/query and /v1/search: questions to a collection of documents.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/text.h"
#include "cache/answer_directory.h"
#include "server/answer_json.h"
#include "server/json_fields.h"
#include "server/rag_query.h"
#include "server/request_collection.h"
#include "server/request_time.h"
#include "server/routes.h"
#include "server/send.h"

namespace docmind::server {
namespace {

constexpr int64_t kMaxQueryBytes = 256 << 10;
constexpr int64_t kMaxSearchPassages = 100;

// A repeat is answered here, on the I/O thread; everything else waits for a worker.
void handle_rag_query(pipeline::Service& service, const RouteOptions& options,
                      const std::shared_ptr<Refreshes>& refreshes, const ExchangePtr& exchange) {
  ApiError error;
  std::optional<RagQuery> query = read_rag_query(
      exchange->request().body, service.ask_options(exchange->caller().tenant), options.max_tokens, error);
  if (!query) return send_error(exchange, error, Dialect::kOpenAi);
  const std::optional<int64_t> timeout_ms = time_left_ms(*exchange, options.request_timeout_ms, error);
  if (!timeout_ms) return send_error(exchange, error, Dialect::kOpenAi);
  pipeline::CollectionPtr collection = find_collection(service, exchange, query->collection, error);
  if (collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
  RagCall call{.service = &service,
               .exchange = exchange,
               .collection = std::move(collection),
               .query = *std::move(query),
               .timeout_ms = *timeout_ms,
               .refreshes = refreshes};
  if (const auto answer = call.collection->ask_memory(call.query.question, call.query.ask)) {
    return respond_with_answer(call, *answer);
  }
  const Status posted = service.post([call] {
    if (!call.exchange->cancel().cancelled()) answer_rag_query(call);
  });
  if (!posted.ok()) send_error(exchange, engine_error(posted.error(), service.retry_after_ms()), Dialect::kOpenAi);
}

struct SearchCall {
  pipeline::CollectionPtr collection;
  std::string question;
  pipeline::RetrieveOptions retrieve;
};

void search_collection(pipeline::Service& service, const SearchCall& call, const ExchangePtr& exchange) {
  const Result<pipeline::Retrieval> found = call.collection->search(call.question, call.retrieve, exchange->cancel());
  if (!found.ok()) {
    return send_error(exchange, engine_error(found.error(), service.retry_after_ms()), Dialect::kOpenAi);
  }
  json::array data;
  for (const pipeline::Passage& passage : found->passages) data.push_back(passage_object(passage));
  send_json(exchange, json::object{{"object", "list"}, {"data", std::move(data)}, {"vectors", found->vector_kind}});
}

void handle_search(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  const std::optional<json::object> body = parse_body(exchange->request().body, error);
  if (!body) return send_error(exchange, error, Dialect::kOpenAi);
  JsonFields fields(*body);
  SearchCall call;
  call.question = fields.required_text("query", cache::kMaxQuestionBytes);
  call.retrieve = service.ask_options(exchange->caller().tenant).retrieve;
  if (fields.ok() && trim(call.question).empty()) fields.fail("query", "is empty");
  const std::string name = fields.text("collection", 64).value_or(std::string(kDefaultCollectionName));
  if (const auto top_k = fields.integer("top_k", 1, kMaxSearchPassages)) {
    call.retrieve.top_k = static_cast<size_t>(*top_k);
    call.retrieve.rerank_depth = std::max(call.retrieve.rerank_depth, call.retrieve.top_k);
  }
  if (!fields.ok()) return send_error(exchange, *fields.error(), Dialect::kOpenAi);
  call.collection = find_collection(service, exchange, name, error);
  if (call.collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
  work_for(service, exchange, Dialect::kOpenAi,
           [&service, call, exchange] { search_collection(service, call, exchange); });
}

}  // namespace

void add_rag_routes(Router& router, pipeline::Service& service, const RouteOptions& options) {
  const auto refreshes = std::make_shared<Refreshes>();
  router.add({.method = "POST",
              .pattern = "/v1/rag/query",
              .handler = [&service, options, refreshes](const ExchangePtr& exchange) {
                handle_rag_query(service, options, refreshes, exchange);
              },
              .max_body_bytes = kMaxQueryBytes});
  router.add({.method = "POST",
              .pattern = "/v1/search",
              .handler = [&service](const ExchangePtr& exchange) { handle_search(service, exchange); },
              .max_body_bytes = kMaxQueryBytes});
}

}  // namespace docmind::server
