// The head of a response as bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "server/exchange.h"

namespace docmind::server {

struct ResponseHeadOptions {
  std::string_view id;           // "x-request-id"
  std::string_view cors_origin;  // empty: no CORS headers
  bool is_http11 = true;
  bool keep_alive = true;
  bool is_chunked = false;                    // Transfer-Encoding instead of Content-Length
  std::optional<uint64_t> content_length = {};
  std::time_t now = 0;  // seconds since the epoch, for Date
};

// With Date, Connection where it is not what the version implies, and the headers that keep browsers from guessing.
// Line ends in the handler's headers become blanks; those that are the transport's to give are left out.
[[nodiscard]] std::string response_head(const HttpResponse& response, const ResponseHeadOptions& options);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
void append_http_date(std::string& out, std::time_t time);

}  // namespace docmind::server
