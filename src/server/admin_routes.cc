// /v1/stats, /v1/decisions, /health and, with them, /v1/cache: what the server knows of itself.
// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "server/cache_routes.h"
#include "server/event_feed.h"
#include "server/request_collection.h"
#include "server/routes.h"
#include "server/send.h"
#include "server/sse.h"

namespace docmind::server {
namespace {

constexpr int64_t kStatsMs = 1'000;
constexpr int64_t kMsPerMinute = 60'000;
constexpr int64_t kMaxMinutes = 24 * 60;
constexpr int64_t kMaxDecisions = 1'000;

void send_history(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  const auto minutes = query_integer(exchange, "minutes", 15, 1, kMaxMinutes, error);
  if (!minutes) return send_error(exchange, error, Dialect::kOpenAi);
  send_json(exchange, service.history(*minutes * kMsPerMinute));
}

void send_decisions(pipeline::Service& service, const ExchangePtr& exchange) {
  ApiError error;
  const auto limit = query_integer(exchange, "limit", 100, 1, kMaxDecisions, error);
  if (!limit) return send_error(exchange, error, Dialect::kOpenAi);
  send_json(exchange, service.decisions(static_cast<size_t>(*limit)));
}

void send_ready(pipeline::Service& service, const ExchangePtr& exchange) {
  const Status ready = service.ready();
  if (ready.ok()) return send_json(exchange, json::object{{"status", "ok"}});
  exchange->respond({.status = 503, .body = json::serialize(json::object{{"status", "not ready"},
                                                                         {"reason", ready.error().message}})});
}

// Answered while the server drains and however much is in flight; without a key, as probes have none.
void add_health(Router& router, std::string pattern, Handler handler) {
  router.add({.method = "GET", .pattern = std::move(pattern), .handler = std::move(handler), .is_public = true,
              .is_work = false});
}

void add_stats(Router& router, std::string pattern, Handler handler) {
  router.add({.method = "GET", .pattern = std::move(pattern), .handler = std::move(handler), .is_work = false});
}

}  // namespace

void add_admin_routes(Router& router, pipeline::Service& service, const RouteOptions& /*options*/) {
  const Handler alive = [](const ExchangePtr& exchange) { send_json(exchange, json::object{{"status", "ok"}}); };
  add_health(router, "/health", alive);
  add_health(router, "/health/live", alive);
  add_health(router, "/health/ready", [&service](const ExchangePtr& exchange) { send_ready(service, exchange); });
  add_stats(router, "/v1/stats", [&service](const ExchangePtr& exchange) { send_json(exchange, service.stats()); });
  add_stats(router, "/v1/stats/history", [&service](const ExchangePtr& exchange) { send_history(service, exchange); });
  add_stats(router, "/v1/decisions", [&service](const ExchangePtr& exchange) { send_decisions(service, exchange); });
  const auto feed = std::make_shared<EventFeed>();
  add_stats(router, "/v1/stats/events", [&service, feed](const ExchangePtr& exchange) {
    feed->open(exchange, kStatsMs, [&service] { return sse_event("stats", json::serialize(service.stats())); });
  });
  add_cache_routes(router, service);
}

}  // namespace docmind::server
