// /v1/collections, /v1/documents and /v1/index: what is asked, added, removed and indexed.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "server/answer_json.h"
#include "server/event_feed.h"
#include "server/json_fields.h"
#include "server/request_collection.h"
#include "server/routes.h"
#include "server/send.h"
#include "server/sse.h"
#include "server/upload.h"

namespace docmind::server {
namespace {

constexpr int64_t kSmallBody = 64 << 10;
constexpr int64_t kProgressMs = 100;
constexpr size_t kMaxIdBytes = 64;

void send_status(const ExchangePtr& exchange, int status, const json::value& value) {
  exchange->respond({.status = status, .body = json::serialize(value)});
}

void list_collections(pipeline::Service& service, const ExchangePtr& exchange) {
  const std::string tenant = exchange->caller().tenant;
  json::array data;
  for (const std::string& name : service.collection_names(tenant)) {
    json::object one{{"name", name}, {"documents", 0}, {"chunks", 0}};
    const Result<pipeline::CollectionPtr> collection = service.collection(tenant, name, false);
    if (!collection.ok()) continue;
    if (const auto counts = (*collection)->counts(); counts.ok()) {
      one["documents"] = counts->n_documents;
      one["chunks"] = counts->n_chunks;
    }
    data.push_back(std::move(one));
  }
  send_json(exchange, json::object{{"object", "list"}, {"data", std::move(data)}});
}

void create_collection(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  const std::optional<json::object> body = parse_body(exchange->request().body, error);
  if (!body) return send_error(exchange, error, Dialect::kOpenAi);
  JsonFields fields(*body);
  const std::string name = fields.required_text("name", kMaxIdBytes);
  if (!fields.ok()) return send_error(exchange, *fields.error(), Dialect::kOpenAi);
  const Result<pipeline::CollectionPtr> made = service.collection(exchange->caller().tenant, name, true);
  if (!made.ok()) {
    error = api_error(made.error());
    error.param = "name";
    return send_error(exchange, error, Dialect::kOpenAi);
  }
  send_status(exchange, 201, json::object{{"name", name}});
}

void list_documents(pipeline::Collection& collection, const ExchangePtr& exchange) {
  const Result<std::vector<pipeline::DocumentInfo>> documents = collection.documents();
  if (!documents.ok()) return send_error(exchange, api_error(documents.error()), Dialect::kOpenAi);
  json::array data;
  for (const pipeline::DocumentInfo& document : *documents) data.push_back(document_json(document));
  send_json(exchange,
            json::object{{"object", "list"}, {"data", std::move(data)}, {"index", job_json(collection.job())}});
}

void add_documents(pipeline::Collection& collection, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  const Result<std::vector<pipeline::DocumentInfo>> added =
      add_uploads(collection, request.body_path, request.header("content-type").value_or(""));
  if (!added.ok()) return send_error(exchange, api_error(added.error()), Dialect::kOpenAi);
  json::array data;
  for (const pipeline::DocumentInfo& document : *added) data.push_back(document_json(document));
  const pipeline::IndexJob job = collection.job();
  send_status(exchange, 202,
              json::object{{"object", "list"}, {"data", std::move(data)}, {"job", job.id + (job.queued ? 1 : 0)}});
}

void show_document(pipeline::Collection& collection, const ExchangePtr& exchange) {
  const Result<pipeline::Collection::SourceText> source = collection.source(exchange->request().path_values.at(0));
  if (!source.ok()) return send_error(exchange, api_error(source.error()), Dialect::kOpenAi);
  json::object object = document_json(source->document);
  json::array passages;
  for (const pipeline::Passage& passage : source->passages) {
    const auto page = [](uint32_t number) { return number == 0 ? json::value() : json::value(number); };
    passages.push_back(json::object{{"heading", passage.heading},
                                    {"text", passage.text},
                                    {"start_line", passage.start_line},
                                    {"end_line", passage.end_line},
                                    {"page", page(passage.page)},
                                    {"end_page", page(passage.end_page)}});
  }
  object["passages"] = std::move(passages);
  send_json(exchange, object);
}

void remove_document(pipeline::Collection& collection, const ExchangePtr& exchange) {
  const std::string& id = exchange->request().path_values.at(0);
  const Status removed = collection.remove(id);
  if (!removed.ok()) return send_error(exchange, api_error(removed.error()), Dialect::kOpenAi);
  send_json(exchange, json::object{{"id", id}, {"deleted", true}});
}

void start_index(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  std::string name(kDefaultCollectionName);
  if (!exchange->request().body.empty()) {
    const std::optional<json::object> body = parse_body(exchange->request().body, error);
    if (!body) return send_error(exchange, error, Dialect::kOpenAi);
    JsonFields fields(*body);
    name = fields.text("collection", kMaxIdBytes).value_or(name);
    if (!fields.ok()) return send_error(exchange, *fields.error(), Dialect::kOpenAi);
  }
  const pipeline::CollectionPtr collection = find_collection(service, exchange, name, error);
  if (collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
  send_status(exchange, 202, json::object{{"job", collection->reindex()}});
}

// "progress" when something changed, "done" when a run has ended since the last event: a short one may begin and end
// between two looks.
EventFeed::Next index_events(const pipeline::CollectionPtr& collection) {
  struct Seen {
    uint64_t changes = 0;
    int64_t n_ended = 0;
  };
  return [collection, seen = Seen{.n_ended = collection->job().n_ended}]() mutable -> std::string {
    const uint64_t changes = collection->wait_change(seen.changes, 0);
    if (changes == seen.changes) return {};
    seen.changes = changes;
    const pipeline::IndexJob job = collection->job();
    const std::string data = json::serialize(job_json(job));
    const bool ended = job.n_ended != seen.n_ended;
    seen.n_ended = job.n_ended;
    return sse_event("progress", data) + (ended ? sse_event("done", data) : std::string());
  };
}

void add_index_routes(Router& router, pipeline::Service& service) {
  const auto feed = std::make_shared<EventFeed>();
  router.add({.method = "POST",
              .pattern = "/v1/index",
              .handler = [&service](const ExchangePtr& exchange) { start_index(service, exchange); },
              .max_body_bytes = kSmallBody});
  router.add({.method = "GET", .pattern = "/v1/index", .handler = [&service](const ExchangePtr& exchange) {
                ApiError error;
                const pipeline::CollectionPtr collection = query_collection(service, exchange, error);
                if (collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
                send_json(exchange, job_json(collection->job()));
              }});
  router.add({.method = "GET",
              .pattern = "/v1/index/events",
              .handler =
                  [&service, feed](const ExchangePtr& exchange) {
                    ApiError error;
                    const pipeline::CollectionPtr collection = query_collection(service, exchange, error);
                    if (collection == nullptr) return send_error(exchange, error, Dialect::kOpenAi);
                    feed->open(exchange, kProgressMs, index_events(collection));
                  },
              .is_work = false});
}

}  // namespace

void add_document_routes(Router& router, pipeline::Service& service, const RouteOptions& /*options*/) {
  router.add({.method = "GET", .pattern = "/v1/collections", .handler = [&service](const ExchangePtr& exchange) {
                work_for(service, exchange, Dialect::kOpenAi,
                         [&service, exchange] { list_collections(service, exchange); });
              }});
  router.add({.method = "POST",
              .pattern = "/v1/collections",
              .handler =
                  [&service](const ExchangePtr& exchange) {
                    work_for(service, exchange, Dialect::kOpenAi,
                             [&service, exchange] { create_collection(service, exchange); });
                  },
              .max_body_bytes = kSmallBody});
  router.add({.method = "GET", .pattern = "/v1/documents", .handler = on_worker(service, list_documents)});
  router.add({.method = "POST",
              .pattern = "/v1/documents",
              .handler = on_worker(service, add_documents),
              .body_to = BodyTo::kFile});
  router.add({.method = "GET", .pattern = "/v1/documents/{id}", .handler = on_worker(service, show_document)});
  router.add({.method = "DELETE", .pattern = "/v1/documents/{id}", .handler = on_worker(service, remove_document)});
  add_index_routes(router, service);
}

}  // namespace docmind::server
