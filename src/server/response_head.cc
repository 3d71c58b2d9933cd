// The head of a response as bytes.
// SPDX-License-Identifier: Apache-2.0
#include "server/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "server/status_map.h"

namespace docmind::server {
namespace {

constexpr size_t kUsualHeadBytes = 384;
constexpr std::array<std::string_view, 6> kTransportHeaders = {"content-length", "transfer-encoding", "connection",
                                                               "date", "x-request-id", "content-type"};

void append_number(std::string& out, uint64_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  (void)error;  // 20 digits hold any
  out.append(digits, static_cast<size_t>(end - digits));
}

void append_two(std::string& out, int number) {
  out += static_cast<char>('0' + number / 10 % 10);
  out += static_cast<char>('0' + number % 10);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  const size_t begin = out.size();
  out += value;
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
                  [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  out += "\r\n";
}

bool is_header_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool is_transports(std::string_view name) {
  return std::any_of(kTransportHeaders.begin(), kTransportHeaders.end(), [&](std::string_view own) {
    return std::equal(own.begin(), own.end(), name.begin(), name.end(), [](char want, char have) {
      return want == (is_upper(have) ? static_cast<char>(have + ('a' - 'A')) : have);
    });
  });
}

void append_cors(std::string& out, std::string_view origin) {
  append_header(out, "access-control-allow-origin", origin);
  out += "vary: Origin\r\n"
         "access-control-expose-headers: x-request-id, x-docmind-trace, x-docmind-cache, retry-after\r\n";
}

}  // namespace

void append_http_date(std::string& out, std::time_t time) {
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  out += kDays.substr(static_cast<size_t>(parts.tm_wday) * 3, 3);
  out += ", ";
  append_two(out, parts.tm_mday);
  out += ' ';
  out += kMonths.substr(static_cast<size_t>(parts.tm_mon) * 3, 3);
  out += ' ';
  append_two(out, (parts.tm_year + 1900) / 100);
  append_two(out, (parts.tm_year + 1900) % 100);
  out += ' ';
  append_two(out, parts.tm_hour);
  out += ':';
  append_two(out, parts.tm_min);
  out += ':';
  append_two(out, parts.tm_sec);
  out += " GMT";
}

std::string response_head(const HttpResponse& response, const ResponseHeadOptions& options) {
  std::string out;
  out.reserve(kUsualHeadBytes);
  out += "HTTP/1.1 ";  // to clients of 1.0 as well: it is the server's own version (RFC 9110, 6.2)
  append_number(out, static_cast<uint64_t>(std::clamp(response.status, 100, 999)));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\ndate: ";
  append_http_date(out, options.now);
  out += "\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n";
  if (!options.id.empty()) append_header(out, "x-request-id", options.id);
  if (!response.content_type.empty()) append_header(out, "content-type", response.content_type);
  if (options.is_chunked) {
    out += "transfer-encoding: chunked\r\n";
  } else if (options.content_length) {
    out += "content-length: ";
    append_number(out, *options.content_length);
    out += "\r\n";
  }
  if (!options.keep_alive) out += "connection: close\r\n";
  if (options.keep_alive && !options.is_http11) out += "connection: keep-alive\r\n";
  if (!options.cors_origin.empty()) append_cors(out, options.cors_origin);
  for (const auto& [name, value] : response.headers) {
    if (is_header_name(name) && !is_transports(name)) append_header(out, name, value);
  }
  out += "\r\n";
  return out;
}

}  // namespace docmind::server
