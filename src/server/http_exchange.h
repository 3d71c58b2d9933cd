// HttpExchange: the handler's end of a request on a connection.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "server/body_file.h"
#include "server/exchange.h"
#include "server/response_channel.h"

namespace docmind::server {

// May outlive the connection and the server; its calls do nothing then.
class HttpExchange final : public Exchange {
 public:
  HttpExchange(HttpRequest request, Caller caller, std::string id, Stopwatch since,
               std::shared_ptr<ResponseChannel> channel, std::unique_ptr<BodyFile> body)
      : request_(std::move(request)), caller_(std::move(caller)), id_(std::move(id)), since_(since),
        channel_(std::move(channel)), body_(std::move(body)) {}
  ~HttpExchange() override { channel_->drop(); }
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  [[nodiscard]] const HttpRequest& request() const override { return request_; }
  [[nodiscard]] const Caller& caller() const override { return caller_; }
  [[nodiscard]] std::string_view id() const override { return id_; }
  void respond(HttpResponse response) override { channel_->respond(std::move(response)); }
  void begin(HttpResponse head) override { channel_->begin(std::move(head)); }
  bool write(std::string_view bytes) override { return channel_->write(bytes); }
  void finish() override { channel_->finish(); }
  [[nodiscard]] const CancelToken& cancel() const override { return channel_->cancel(); }
  void on_gone(std::function<void()> callback) override { channel_->on_gone(std::move(callback)); }
  [[nodiscard]] double elapsed_ms() const override { return since_.elapsed_ms(); }

 private:
  HttpRequest request_;
  Caller caller_;
  std::string id_;
  Stopwatch since_;
  std::shared_ptr<ResponseChannel> channel_;
  std::unique_ptr<BodyFile> body_;
};

}  // namespace docmind::server
