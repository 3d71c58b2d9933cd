// RequestGate: decides on the head of a request whether and by whom it is answered.
// SPDX-License-Identifier: Apache-2.0
#include "server/request_gate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "server/status_map.h"
#include "server/url.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxQuotedBytes = 80;
constexpr size_t kMaxAskedHeaderBytes = 1 << 10;
constexpr std::string_view kPreflightAgeS = "600";

std::string shown_bytes(std::string_view text) { return printable(text.substr(0, kMaxQuotedBytes)); }

bool refuse(Admission& admission, int status, std::string message, std::string code = {}) {
  admission.answer = error_response({.status = status, .message = std::move(message), .code = std::move(code)},
                                    admission.dialect);
  return false;
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c) != kScheme[i]) return {};
  }
  return trim(authorization.substr(kScheme.size()));
}

std::string_view sent_key(const HttpRequest& request) {
  if (const auto value = request.header("authorization")) {
    if (const std::string_view token = bearer_token(*value); !token.empty()) return token;
  }
  for (const std::string_view name : {"x-api-key", "api-key"}) {
    if (const auto value = request.header(name); value && !value->empty()) return *value;
  }
  return {};
}

// The headers a preflight asks for, if they are names; they are sent back, since clients add many of their own.
std::string asked_headers(const HttpRequest& request) {
  const std::string_view asked = request.header("access-control-request-headers").value_or("");
  const bool clean = asked.size() <= kMaxAskedHeaderBytes && std::all_of(asked.begin(), asked.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == ',' || c == ' ';
  });
  return clean && !asked.empty() ? std::string(asked) : "authorization, content-type, x-api-key, x-request-id";
}

}  // namespace

Admission RequestGate::admit(RequestHead&& head, const ApiKeys& keys) const {
  Admission admission;
  admission.request.method = std::move(head.method);
  admission.request.headers = std::move(head.headers);
  admission.caller = keys.anonymous();
  std::string host;
  if (!check_target(head, admission, host) || !check_origin(admission, host) || !answer_options(admission)) {
    return admission;
  }
  if (find_route(admission) && check_key(admission, keys)) check_size(head, admission);
  return admission;
}

bool RequestGate::check_target(const RequestHead& head, Admission& admission, std::string& host) const {
  HttpRequest& request = admission.request;
  Result<RequestTarget> target = parse_target(head.target);
  if (!target.ok()) {
    admission.must_close = true;
    return refuse(admission, 400, target.error().message);
  }
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  host = target->authority.empty() ? std::string(request.header("host").value_or("")) : target->authority;
  if (host.empty() && !head.is_http11) return true;  // HTTP/1.0 knows no Host; no browser speaks it
  if (hosts_.allows(host)) return true;
  return refuse(admission, 403,
                fmt::format("the host '{}' is not a name of this server; a name it should have belongs into the "
                            "setting server.hosts", shown_bytes(host)), "host_not_allowed");
}

bool RequestGate::is_listed(std::string_view origin) const {
  return std::any_of(options_.cors_origins.begin(), options_.cors_origins.end(),
                     [&](const std::string& listed) { return listed == "*" || listed == origin; });
}

bool RequestGate::check_origin(Admission& admission, const std::string& host) const {
  const std::optional<std::string_view> origin = admission.request.header("origin");
  if (!origin || is_same_origin(*origin, host)) return true;
  if (!is_listed(*origin)) {
    return refuse(admission, 403,
                  fmt::format("pages of '{}' may not call this server; origins that may belong into the setting "
                              "server.cors", shown_bytes(*origin)), "origin_not_allowed");
  }
  admission.cors_origin = *origin;
  return true;
}

bool RequestGate::answer_options(Admission& admission) const {
  const HttpRequest& request = admission.request;
  if (request.method != "OPTIONS") return true;
  HttpResponse answer{.status = 204, .content_type = {}};
  const Router::Match match = router_.match("OPTIONS", request.path);
  if (match.route != nullptr) return true;
  if (match.allow.empty() && request.path != "*") return true;  // answered with 404
  const std::string allow = match.allow.empty() ? "GET, HEAD, POST, DELETE, OPTIONS" : match.allow + ", OPTIONS";
  answer.headers.emplace_back("allow", allow);
  if (!admission.cors_origin.empty() && request.header("access-control-request-method")) {
    answer.headers.emplace_back("access-control-allow-methods", allow);
    answer.headers.emplace_back("access-control-allow-headers", asked_headers(request));
    answer.headers.emplace_back("access-control-max-age", kPreflightAgeS);
  }
  admission.answer = std::move(answer);
  return false;
}

bool RequestGate::find_route(Admission& admission) const {
  HttpRequest& request = admission.request;
  Router::Match match = router_.match(request.method, request.path);
  admission.dialect = match.dialect;
  if (match.route != nullptr) {
    admission.route = match.route;
    request.path_values = std::move(match.path_values);
    return true;
  }
  if (match.allow.empty()) {
    return refuse(admission, 404, fmt::format("there is no '{}' here; /openapi.json lists what there is",
                                              shown_bytes(request.path)), "unknown_url");
  }
  refuse(admission, 405, fmt::format("'{}' does not take {}; it takes {}", shown_bytes(request.path),
                                     shown_bytes(request.method), match.allow), "method_not_allowed");
  admission.answer->headers.emplace_back("allow", match.allow);
  return false;
}

bool RequestGate::check_key(Admission& admission, const ApiKeys& keys) const {
  if (!keys.required()) return true;
  const std::string_view key = sent_key(admission.request);
  if (std::optional<Caller> caller = key.empty() ? std::nullopt : keys.find(key)) {
    admission.caller = *std::move(caller);
    return true;
  }
  if (admission.route->is_public) return true;
  refuse(admission, 401, key.empty() ? "this server needs an API key: send 'Authorization: Bearer KEY'"
                                     : "the API key is not one of this server's", "invalid_api_key");
  admission.answer->headers.emplace_back("www-authenticate", "Bearer realm=\"docmind\"");
  return false;
}

bool RequestGate::check_size(const RequestHead& head, Admission& admission) const {
  const Route& route = *admission.route;
  const bool to_file = route.body_to == BodyTo::kFile;
  const HttpLimits& limits = options_.limits;
  admission.max_body_bytes = route.max_body_bytes > 0 ? route.max_body_bytes
                             : to_file                ? limits.max_upload_bytes
                                                      : limits.max_body_bytes;
  if (to_file && options_.upload_folder.empty()) {
    return refuse(admission, 501, "this server takes no uploads", "uploads_disabled");
  }
  if (!head.content_length || *head.content_length <= static_cast<uint64_t>(admission.max_body_bytes)) return true;
  admission.must_close = true;
  return refuse(admission, 413, fmt::format("the request's body has {} bytes; at most {} are allowed",
                                            *head.content_length, admission.max_body_bytes), "body_too_large");
}

}  // namespace docmind::server
