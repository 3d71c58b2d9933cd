// FakeExchange: an exchange without a network, which keeps what is sent.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "server/exchange.h"

namespace docmind::server::test {

class FakeExchange final : public Exchange {
 public:
  explicit FakeExchange(HttpRequest request, Caller caller = {}) : request_(std::move(request)), caller_(std::move(caller)) {}

  [[nodiscard]] const HttpRequest& request() const override { return request_; }
  [[nodiscard]] const Caller& caller() const override { return caller_; }
  [[nodiscard]] std::string_view id() const override { return "req-1"; }
  void respond(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    ++n_responses;
    head = std::move(response);
    body = head.body;
    done_ = true;
    changed_.notify_all();
  }
  void begin(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    ++n_responses;
    streamed = true;
    head = std::move(response);
  }
  bool write(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (cancel_.cancelled()) return false;
    body += bytes;
    ++n_writes;
    changed_.notify_all();
    return true;
  }
  void finish() override {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] const CancelToken& cancel() const override { return cancel_; }
  void on_gone(std::function<void()> callback) override {
    if (cancel_.cancelled()) callback();
    else gone_.push_back(std::move(callback));
  }
  [[nodiscard]] double elapsed_ms() const override { return clock_.elapsed_ms(); }

  // --- of the test ---
  void leave() {
    cancel_.cancel();
    for (const auto& callback : gone_) callback();
  }
  // False: it took too long.
  bool wait_done() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return done_; });
  }
  bool wait_writes(int n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return done_ || n_writes >= n; });
  }

  HttpResponse head;
  std::string body;
  bool streamed = false;
  int n_writes = 0, n_responses = 0;

 private:
  const HttpRequest request_;
  const Caller caller_;
  CancelToken cancel_;
  std::vector<std::function<void()>> gone_;
  const Stopwatch clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

}  // namespace docmind::server::test
