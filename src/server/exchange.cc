// Exchange: one HTTP request and its response, as a handler sees them.
// SPDX-License-Identifier: Apache-2.0
#include "server/exchange.h"

#include "server/url.h"

namespace docmind::server {

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<std::string> HttpRequest::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const size_t equals = pair.find('=');
    const std::optional<std::string> key = percent_decode(pair.substr(0, equals), PlusIs::kSpace);
    if (!key || *key != name) continue;
    return percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1),
                          PlusIs::kSpace);
  }
  return std::nullopt;
}

}  // namespace docmind::server
