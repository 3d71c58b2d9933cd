// The one place where errors become HTTP statuses and the error bodies of each dialect.
// SPDX-License-Identifier: Apache-2.0
#include "server/status_map.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace docmind::server {
namespace {

struct StatusName {
  int status;
  std::string_view phrase;
};

constexpr StatusName kStatusNames[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

// errno_error() ends its sentence with the system's words for the cause.
bool says_disk_full(std::string_view message) {
  return message.find(std::strerror(ENOSPC)) != std::string_view::npos ||
         message.find(std::strerror(EDQUOT)) != std::string_view::npos;
}

std::string_view openai_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return status < 500 ? "invalid_request_error" : "server_error";
  }
}

// text-embeddings-inference refuses wrong input with 422, work that failed with 424 and overload with 429.
int tei_status(const ApiError& error) {
  if (error.status == 400) return error.code == "empty" ? 400 : 422;
  if (error.status == 500) return 424;
  if (error.status == 503 && error.retry_after_ms) return 429;
  return error.status;
}

std::string_view tei_type(const ApiError& error) {
  if (error.code == "empty") return "empty";
  switch (tei_status(error)) {
    case 424: return "backend";
    case 429: return "overloaded";
    case 503: return "unhealthy";
    default: return error.status < 500 ? "validation" : "backend";
  }
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value() : json::value(text); }

json::object openai_error(const ApiError& error, const std::string& message) {
  json::object object{{"message", message},
                      {"type", error.type.empty() ? openai_type(error.status) : std::string_view(error.type)},
                      {"param", text_or_null(error.param)},
                      {"code", text_or_null(error.code)}};
  if (error.n_prompt_tokens) object["n_prompt_tokens"] = *error.n_prompt_tokens;
  if (error.n_ctx) object["n_ctx"] = *error.n_ctx;
  return object;
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMalformed:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimit: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kPermission: return 403;
    case ErrorCode::kBusy: return 503;
    case ErrorCode::kMismatch: return 409;
    case ErrorCode::kCancelled: return 499;
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

ApiError api_error(const Error& error) {
  ApiError api{.status = http_status(error.code), .message = error.message};
  if (error.code == ErrorCode::kIo && says_disk_full(error.message)) api.status = 507;
  return api;
}

ApiError bad_field(std::string_view field, std::string_view sentence) {
  return {.status = 400,
          .message = fmt::format("{} {}", field, sentence),
          .type = "invalid_request_error",
          .param = std::string(field)};
}

std::string_view reason_phrase(int status) {
  const auto* found = std::lower_bound(std::begin(kStatusNames), std::end(kStatusNames), status,
                                       [](const StatusName& name, int wanted) { return name.status < wanted; });
  if (found != std::end(kStatusNames) && found->status == status) return found->phrase;
  return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Internal Server Error";
}

std::string error_body(const ApiError& error, Dialect dialect) {
  const std::string message = to_valid_utf8(error.message);  // may quote bytes of the request
  switch (dialect) {
    case Dialect::kOllama: return json::serialize(json::object{{"error", message}});
    case Dialect::kTei: return json::serialize(json::object{{"error", message}, {"error_type", tei_type(error)}});
    case Dialect::kOpenAi: break;
  }
  return json::serialize(json::object{{"error", openai_error(error, message)}});
}

HttpResponse error_response(const ApiError& error, Dialect dialect) {
  HttpResponse response;
  response.status = dialect == Dialect::kTei ? tei_status(error) : error.status;
  response.body = error_body(error, dialect);
  if (error.retry_after_ms) {
    const int64_t seconds = std::max<int64_t>(1, (*error.retry_after_ms + 999) / 1000);
    response.headers.emplace_back("retry-after", std::to_string(seconds));
  }
  return response;
}

}  // namespace docmind::server
