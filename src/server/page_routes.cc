// The page: "/" and its files, for browsers; what stands at "/" for everybody else.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "server/ollama.h"
#include "server/page_files.h"
#include "server/routes.h"

namespace docmind::server {
namespace {

constexpr std::string_view kIndexPath = "/index.html";

// The page loads nothing but its own files and talks to nobody but this server; nobody may frame it.
constexpr std::string_view kPagePolicy =
    "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

// If-None-Match is a list of tags or "*"; W/ is left out of the comparison (RFC 9110, 13.1.2).
bool client_has(const HttpRequest& request, std::string_view etag) {
  std::string_view rest = request.header("if-none-match").value_or("");
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    std::string_view tag = trim(rest.substr(0, comma));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag || tag == "*") return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

HeaderList page_headers(const PageFile& file) {
  HeaderList headers = {
      {"etag", std::string(file.etag)},
      {"cache-control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"content-security-policy", std::string(kPagePolicy)},
      {"x-frame-options", "DENY"},
      {"cross-origin-opener-policy", "same-origin"},
      {"cross-origin-resource-policy", "same-origin"},
      {"permissions-policy", "camera=(), geolocation=(), microphone=()"}};
  if (file.path == kIndexPath) headers.emplace_back("vary", "Accept");
  return headers;
}

void send_page_file(const ExchangePtr& exchange, const PageFile& file) {
  HttpResponse response{.headers = page_headers(file)};
  if (client_has(exchange->request(), file.etag)) {
    response.status = 304;
    response.content_type.clear();
  } else {
    response.content_type = std::string(file.content_type);
    response.static_body = file.bytes;
  }
  exchange->respond(std::move(response));
}

// Clients of Ollama ask "/" whether it is there, and some look for these very words.
void send_banner(const ExchangePtr& exchange) {
  exchange->respond({.content_type = "text/plain; charset=utf-8",
                     .headers = {{"vary", "Accept"}, {"cache-control", "no-cache"}},
                     .static_body = kOllamaBanner});
}

Route page_route(std::string pattern, Handler handler) {
  return {.method = "GET", .pattern = std::move(pattern), .handler = std::move(handler), .is_public = true,
          .is_work = false};
}

}  // namespace

void add_page_routes(Router& router) {
  const PageFile* index = nullptr;
  for (const PageFile& file : page_files()) {
    if (file.path == kIndexPath) index = &file;
    router.add(page_route(std::string(file.path),
                          [&file](const ExchangePtr& exchange) { send_page_file(exchange, file); }));
  }
  router.add(page_route("/", [index](const ExchangePtr& exchange) {
    if (index == nullptr || wants_ollama_banner(exchange->request())) return send_banner(exchange);
    send_page_file(exchange, *index);
  }));
}

}  // namespace docmind::server
