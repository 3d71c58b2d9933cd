// How long a request may take: the server's limit, or the client's if it is smaller.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "engine/text_request.h"
#include "server/exchange.h"
#include "server/status_map.h"

namespace docmind::server {

inline constexpr std::string_view kTimeoutHeader = "x-docmind-timeout-ms";

// What is left of `limit_ms` and of the header's number, at least 1. Nothing, and `error`, when the header is no number
// from 1 to 86,400,000.
[[nodiscard]] std::optional<int64_t> time_left_ms(const Exchange& exchange, int64_t limit_ms, ApiError& error);
[[nodiscard]] engine::SteadyTime deadline_in(int64_t ms);

}  // namespace docmind::server
