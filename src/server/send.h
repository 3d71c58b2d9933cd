// send: whole responses of the dialects, and where the work of a request is done.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/json.h"
#include "pipeline/service.h"
#include "server/exchange.h"
#include "server/status_map.h"

namespace docmind::server {

void send_json(const ExchangePtr& exchange, const json::value& value, HeaderList headers = {});
void send_error(const ExchangePtr& exchange, const ApiError& error, Dialect dialect);

// Small requests are looked at on the I/O thread itself; parsing and tokenising a large one would hold up others,
// and goes to a worker. Too many wait there: 503 with the time to wait.
void look_at_request(pipeline::Service& service, const ExchangePtr& exchange, Dialect dialect,
                     std::function<void()> work);
// Always on a worker.
void work_for(pipeline::Service& service, const ExchangePtr& exchange, Dialect dialect, std::function<void()> work);

// A queue was full (429): `retry_after_ms` from its own measurement.
[[nodiscard]] ApiError overloaded(std::string_view message, int64_t retry_after_ms);
// Every error of an engine or a queue; kBusy becomes overloaded().
[[nodiscard]] ApiError engine_error(const Error& error, int64_t retry_after_ms);
// 400 context_length_exceeded with both numbers; `what` is the subject: "the prompt".
[[nodiscard]] ApiError too_long(std::string_view what, int64_t n_tokens, int64_t n_ctx, std::string_view param);

}  // namespace docmind::server
