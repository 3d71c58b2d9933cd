// FakeExchange: a request without a connection, and what was answered to it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "server/exchange.h"
#include "server/router.h"

namespace docmind::server::test {

class FakeExchange final : public Exchange {
 public:
  FakeExchange(HttpRequest request, Caller caller) : request_(std::move(request)), caller_(std::move(caller)) {}

  const HttpRequest& request() const override { return request_; }
  const Caller& caller() const override { return caller_; }
  std::string_view id() const override { return "test-request"; }
  void respond(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    done_ = true;
    change_.notify_all();
  }
  void begin(HttpResponse head) override {
    const std::lock_guard lock(mutex_);
    response_ = std::move(head);
    begun_ = true;
    change_.notify_all();
  }
  bool write(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (cancel_.cancelled()) return false;
    response_.body += bytes;
    change_.notify_all();
    return true;
  }
  void finish() override {
    const std::lock_guard lock(mutex_);
    done_ = true;
    change_.notify_all();
  }
  const CancelToken& cancel() const override { return cancel_; }
  void on_gone(std::function<void()> callback) override {
    const std::lock_guard lock(mutex_);
    on_gone_ = std::move(callback);
  }
  double elapsed_ms() const override { return age_ms + clock_.elapsed_ms(); }

  // The client leaves.
  void leave() {
    cancel_.cancel();
    const std::lock_guard lock(mutex_);
    if (on_gone_) on_gone_();
  }
  // The response, once it is complete; one with status 0 after a minute.
  HttpResponse wait() { return wait_for([this] { return done_; }); }
  // What has come so far, once it holds `text`.
  HttpResponse wait_for_text(std::string_view text) {
    return wait_for([this, text] { return response_.body.find(text) != std::string::npos; });
  }
  [[nodiscard]] bool begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

  double age_ms = 0;  // as if the request had come so long ago

 private:
  HttpResponse wait_for(const std::function<bool()>& ready) {
    std::unique_lock lock(mutex_);
    if (!change_.wait_for(lock, std::chrono::minutes(1), ready)) return {.status = 0};
    return response_;
  }

  const HttpRequest request_;
  const Caller caller_;
  const CancelToken cancel_;
  const Stopwatch clock_;
  mutable std::mutex mutex_;
  std::condition_variable change_;
  HttpResponse response_;
  std::function<void()> on_gone_;
  bool begun_ = false;
  bool done_ = false;
};

// A request as the router would hand it on.
inline std::shared_ptr<FakeExchange> send_to(const Router& router, std::string method, std::string target,
                                             std::string body = {}, std::string tenant = "local",
                                             double age_ms = 0) {
  HttpRequest request;
  request.method = std::move(method);
  const size_t query = target.find('?');
  request.path = target.substr(0, query);
  if (query != std::string::npos) request.query = target.substr(query + 1);
  request.body_bytes = static_cast<int64_t>(body.size());
  request.body = std::move(body);
  const Router::Match match = router.match(request.method, request.path);
  request.path_values = match.path_values;
  auto exchange = std::make_shared<FakeExchange>(std::move(request),
                                                 Caller{.tenant = std::move(tenant), .label = {}, .address = {}});
  exchange->age_ms = age_ms;
  if (match.route == nullptr) exchange->respond({.status = match.allow.empty() ? 404 : 405});
  else match.route->handler(exchange);
  return exchange;
}

inline std::optional<std::string> header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace docmind::server::test
