// HttpUrl: the parts of a URL that decide whether it may be asked, and libcurl's start.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::providers {

struct HttpUrl {
  std::string scheme{};       // "http", "https" or another, in lower case
  std::string host{};         // "localhost", "[::1]", "10.0.0.7"
  bool has_password = false;  // "https://name:word@host"
  bool this_machine = false;  // 127.0.0.0/8, ::1 or localhost
};
// kInvalidArgument when it is not a URL.
[[nodiscard]] Result<HttpUrl> parse_http_url(const std::string& url);

// A name or value for a query: all but letters, digits and "-._~" as "%20".
[[nodiscard]] std::string url_escape(std::string_view text);

// libcurl wants this once in a process, before the first handle. Any thread.
[[nodiscard]] Status start_curl();

}  // namespace docmind::providers
