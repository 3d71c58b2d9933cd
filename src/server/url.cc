// Request targets: percent-decoding and the parts of what stands behind the method.
// SPDX-License-Identifier: Apache-2.0
#include "server/url.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxShownTargetBytes = 80;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool starts_with_scheme(std::string_view target, std::string_view scheme) {
  return target.size() > scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), target.begin(), [](char want, char have) {
           return want == (have >= 'A' && have <= 'Z' ? have + ('a' - 'A') : have);
         });
}

bool has_dot_segment(std::string_view path) {
  size_t begin = 0;
  while (begin != std::string_view::npos) {
    const size_t end = path.find('/', begin);
    const std::string_view segment = path.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end == std::string_view::npos ? end : end + 1;
  }
  return false;
}

Error bad_target(std::string_view target, std::string_view why) {
  return {ErrorCode::kMalformed,
          fmt::format("the request's target '{}' {}", printable(target.substr(0, kMaxShownTargetBytes)), why)};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, PlusIs plus) {
  std::string out;
  out.reserve(text.size());
  bool is_ascii = true;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus == PlusIs::kSpace) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    is_ascii = is_ascii && static_cast<unsigned char>(c) < 0x80;
    out += c;
  }
  if (!is_ascii && !is_valid_utf8(out)) return std::nullopt;
  return out;
}

Result<RequestTarget> parse_target(std::string_view target) {
  RequestTarget parsed;
  if (target == "*") {
    parsed.path = "*";
    return parsed;
  }
  std::string_view rest = target;
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!starts_with_scheme(rest, scheme)) continue;
    rest.remove_prefix(scheme.size());
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    parsed.authority = rest.substr(0, end);
    rest.remove_prefix(end);
    if (parsed.authority.empty()) return bad_target(target, "names no host");
    break;
  }
  if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
    parsed.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (rest.empty() && !parsed.authority.empty()) rest = "/";
  if (!rest.starts_with('/')) return bad_target(target, "must be a path that begins with '/'");
  std::optional<std::string> path = percent_decode(rest);
  if (!path) return bad_target(target, "has a broken %-escape, a NUL or bytes that are not UTF-8");
  if (has_dot_segment(*path)) return bad_target(target, "has a segment '.' or '..'");
  parsed.path = *std::move(path);
  return parsed;
}

}  // namespace docmind::server
