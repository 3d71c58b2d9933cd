// send: whole responses of the dialects, and where the work of a request is done.
// SPDX-License-Identifier: Apache-2.0
#include "server/send.h"

#include <utility>

#include <fmt/format.h>

namespace docmind::server {
namespace {

// About a millisecond of tokenising.
constexpr size_t kSmallBodyBytes = 16 << 10;

}  // namespace

void send_json(const ExchangePtr& exchange, const json::value& value, HeaderList headers) {
  exchange->respond({.headers = std::move(headers), .body = json::serialize(value)});
}

void send_error(const ExchangePtr& exchange, const ApiError& error, Dialect dialect) {
  exchange->respond(error_response(error, dialect));
}

void work_for(pipeline::Service& service, const ExchangePtr& exchange, Dialect dialect, std::function<void()> work) {
  const Status posted = service.post([exchange, work = std::move(work)] {
    if (!exchange->cancel().cancelled()) work();
  });
  if (!posted.ok()) {
    ApiError error = api_error(posted.error());
    if (posted.error().code == ErrorCode::kBusy) error.retry_after_ms = service.retry_after_ms();
    send_error(exchange, error, dialect);
  }
}

void look_at_request(pipeline::Service& service, const ExchangePtr& exchange, Dialect dialect,
                     std::function<void()> work) {
  if (exchange->request().body.size() <= kSmallBodyBytes) return work();
  work_for(service, exchange, dialect, std::move(work));
}

ApiError overloaded(std::string_view message, int64_t retry_after_ms) {
  return {.status = 429, .message = std::string(message), .type = "rate_limit_error", .code = "server_overloaded",
          .retry_after_ms = retry_after_ms};
}

ApiError engine_error(const Error& error, int64_t retry_after_ms) {
  return error.code == ErrorCode::kBusy ? overloaded(error.message, retry_after_ms) : api_error(error);
}

ApiError too_long(std::string_view what, int64_t n_tokens, int64_t n_ctx, std::string_view param) {
  return {.status = 400,
          .message = fmt::format("context_length_exceeded: {} has {} tokens and the model's context holds {}", what,
                                 n_tokens, n_ctx),
          .type = "invalid_request_error",
          .code = "context_length_exceeded",
          .param = std::string(param),
          .n_prompt_tokens = n_tokens,
          .n_ctx = n_ctx};
}

}  // namespace docmind::server
