// Reading the JSON of other servers, in which anything may be missing or of another type.
// SPDX-License-Identifier: Apache-2.0
#include "providers/upstream_json.h"

#include <cmath>

#include "base/text.h"

namespace docmind::providers {
namespace {

constexpr size_t kMaxErrorDepth = 16;
constexpr size_t kMaxErrorBytes = 64 << 10;
constexpr double kLargestCount = 1e15;

// The words between tags, with single spaces; styles and scripts stay out.
std::string without_tags(std::string_view html) {
  std::string text;
  bool space = false;
  for (size_t at = 0; at < html.size();) {
    if (html[at] == '<') {
      const bool hidden = html.substr(at).starts_with("<style") || html.substr(at).starts_with("<script");
      const size_t from = hidden ? html.find("</", at + 1) : at;
      const size_t end = from == std::string_view::npos ? from : html.find('>', from);
      at = end == std::string_view::npos ? html.size() : end + 1;
      space = true;
      continue;
    }
    const char c = html[at++];
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      space = true;
      continue;
    }
    if (space && !text.empty()) text += ' ';
    space = false;
    text += c;
  }
  return text;
}

}  // namespace

const json::value* json_at(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = &value;
  for (const std::string_view name : path) {
    const json::object* object = at->if_object();
    at = object != nullptr ? object->if_contains(name) : nullptr;
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string_view json_text(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = json_at(value, path);
  const json::string* text = at != nullptr ? at->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

std::optional<int64_t> json_count(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = json_at(value, path);
  const std::optional<double> number = at != nullptr ? json_number(*at) : std::nullopt;
  if (!number || *number < 0 || *number > kLargestCount) return std::nullopt;
  return static_cast<int64_t>(*number);
}

const json::array* json_list(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = json_at(value, path);
  return at != nullptr ? at->if_array() : nullptr;
}

bool json_true(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = json_at(value, path);
  const bool* truth = at != nullptr ? at->if_bool() : nullptr;
  return truth != nullptr && *truth;
}

std::optional<double> json_number(const json::value& value) {
  std::optional<double> number;
  if (const int64_t* whole = value.if_int64()) number = static_cast<double>(*whole);
  if (const uint64_t* whole = value.if_uint64()) number = static_cast<double>(*whole);
  if (const double* real = value.if_double()) number = *real;
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string said_by_server(std::string_view body) {
  const Result<json::value> parsed = parse_json(body, kMaxErrorDepth, kMaxErrorBytes);
  if (!parsed.ok()) return without_tags(body);
  for (const std::string_view text : {json_text(*parsed, {"error", "message"}), json_text(*parsed, {"error"}),
                                      json_text(*parsed, {"message"}), json_text(*parsed, {"detail"})}) {
    if (!text.empty()) return std::string(text);
  }
  return without_tags(body);
}

}  // namespace docmind::providers
