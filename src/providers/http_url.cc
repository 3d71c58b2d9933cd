// HttpUrl: the parts of a URL that decide whether it may be asked, and libcurl's start.
// SPDX-License-Identifier: Apache-2.0
#include "providers/http_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

bool is_this_machine(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") &&
         std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace

Result<HttpUrl> parse_http_url(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is not a URL", printable(url))};
  }
  HttpUrl parts{.scheme = url_part(parsed.get(), CURLUPART_SCHEME), .host = url_part(parsed.get(), CURLUPART_HOST)};
  parts.has_password = !url_part(parsed.get(), CURLUPART_USER).empty() ||
                       !url_part(parsed.get(), CURLUPART_PASSWORD).empty();
  parts.this_machine = is_this_machine(parts.host);
  return parts;
}

std::string url_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

Status start_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code == CURLE_OK) return {};
  return Error{ErrorCode::kInternal, fmt::format("libcurl cannot start: {}", curl_easy_strerror(code))};
}

}  // namespace docmind::providers
