// http_get: one HTTP request through libcurl, with limits on where redirects may lead.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::providers {

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; redirects' headers included

  // Empty when the server did not send it.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct HttpGetRequest {
  std::string url;
  std::vector<std::string> headers{};  // "Range: bytes=5-"
  int64_t connect_timeout_ms = 30'000;
  int64_t stall_timeout_s = 60;        // without a byte for so long the request fails
  CancelToken cancel{};
  // Called once when the status is known and before the first byte of a body; an error ends it.
  std::function<Status(const HttpHead&)> on_head;
  // The body of a 2xx answer piece by piece; other bodies are not handed out.
  std::function<Status(std::string_view piece)> on_body;
};

// kInvalidArgument unless the URL is https, or http to this machine itself (127.0.0.0/8, ::1,
// localhost).
Status check_url(const std::string& url);

// The head of the last answer, whatever its status. Follows up to 5 redirects to allowed URLs. kIo
// when the transfer failed, kCancelled; errors of the callbacks as they are.
Result<HttpHead> http_get(const HttpGetRequest& request);

}  // namespace docmind::providers
