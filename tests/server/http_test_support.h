// TestServer: a server with small limits and routes that a test adds; HeldExchanges: requests kept unanswered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "server/http_server.h"
#include "support/http_client.h"

namespace docmind::server::test {

using docmind::test::HttpClient;
using docmind::test::HttpHeaders;
using docmind::test::HttpReply;
using docmind::test::SseEvent;

inline constexpr int kPatienceMs = 10'000;

// Waits until `condition` holds; tests of what happens on other threads.
inline bool eventually(const std::function<bool()>& condition, int timeout_ms = kPatienceMs) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class HeldExchanges {
 public:
  Handler handler() {
    return [this](const ExchangePtr& exchange) {
      const std::lock_guard lock(mutex_);
      held_.push_back(exchange);
      came_.notify_all();
    };
  }
  // The next one that came; null after a while without any.
  ExchangePtr take() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [&] { return !held_.empty(); })) return nullptr;
    ExchangePtr first = held_.front();
    held_.erase(held_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<ExchangePtr> held_;
};

inline HttpResponse text_response(std::string body, int status = 200) {
  return {.status = status, .content_type = "text/plain", .body = std::move(body)};
}

// Answers with what the handler saw of the request.
inline void echo_request(const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  std::string seen = request.method + " " + request.path + "?" + request.query;
  for (const std::string& value : request.path_values) seen += " [" + value + "]";
  seen += " " + exchange->caller().tenant + "\n";
  exchange->respond(text_response(seen + request.body));
}

struct TestServer {
  TestServer() {
    options.port = 0;
    add("GET", "/echo", echo_request);
    add("POST", "/echo", echo_request);
    add("GET", "/items/{id}", echo_request);
    add("GET", "/files/{path...}", echo_request);
  }

  Route& add(std::string method, std::string pattern, Handler handler) {
    routes.push_back({.method = std::move(method), .pattern = std::move(pattern), .handler = std::move(handler)});
    return routes.back();
  }
  void start() {
    Router router;
    for (const Route& route : routes) router.add(route);
    auto started = HttpServer::start(options, std::move(router), keys, Logger::null(), [this](const RequestRecord& r) {
      const std::lock_guard lock(mutex);
      records.push_back({std::string(r.method), std::string(r.pattern), r.status, r.written_bytes});
    });
    ASSERT_TRUE(started.ok()) << started.error().message;
    server = *std::move(started);
  }
  [[nodiscard]] int port() const { return server->port(); }
  [[nodiscard]] HttpClient client() const { return HttpClient(server->port()); }
  [[nodiscard]] HttpStats stats() const { return server->stats(); }

  struct Seen {
    std::string method, pattern;
    int status = 0;
    int64_t written_bytes = 0;
  };
  [[nodiscard]] std::vector<Seen> seen() {
    const std::lock_guard lock(mutex);
    return records;
  }

  HttpOptions options;
  std::vector<Route> routes;
  std::shared_ptr<const ApiKeys> keys;
  std::mutex mutex;
  std::vector<Seen> records;
  std::unique_ptr<HttpServer> server;  // first to go
};

}  // namespace docmind::server::test
