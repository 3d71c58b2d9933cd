// How long a request may take: the server's limit, or the client's if it is smaller.
// SPDX-License-Identifier: Apache-2.0
#include "server/request_time.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::server {

std::optional<int64_t> time_left_ms(const Exchange& exchange, int64_t limit_ms, ApiError& error) {
  constexpr int64_t kMostMs = 86'400'000;
  int64_t allowed = limit_ms;
  if (const auto given = exchange.request().header(kTimeoutHeader)) {
    int64_t wanted = 0;
    const auto [end, failure] = std::from_chars(given->data(), given->data() + given->size(), wanted);
    if (failure != std::errc{} || end != given->data() + given->size() || wanted < 1 || wanted > kMostMs) {
      error = bad_field(kTimeoutHeader, fmt::format("is '{}'; it must be a number of milliseconds from 1 to {}",
                                                    printable(given->substr(0, 40)), kMostMs));
      return std::nullopt;
    }
    allowed = std::min(allowed, wanted);
  }
  return std::max<int64_t>(1, allowed - static_cast<int64_t>(exchange.elapsed_ms()));
}

engine::SteadyTime deadline_in(int64_t ms) { return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms); }

}  // namespace docmind::server
