// JSON texts as they stand in prompts: changed between their tokens only.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tool_json.h"

#include <algorithm>

#include "base/json.h"

namespace docmind::tokenizer {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr std::string_view kSpace = " \t\r\n";

size_t skip_space(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

// Behind the string that begins at `at`; the text is valid JSON.
size_t end_of_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

size_t end_of_value(std::string_view text, size_t at) {
  if (text[at] == '"') return end_of_string(text, at);
  if (text[at] != '{' && text[at] != '[') return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
  size_t depth = 0;
  while (at < text.size()) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    if (text[at] == '{' || text[at] == '[') ++depth;
    if ((text[at] == '}' || text[at] == ']') && --depth == 0) return at + 1;
    ++at;
  }
  return at;
}

}  // namespace

Result<std::string> restyle_json(std::string_view text, JsonStyle style) {
  DM_ASSIGN(const json::value value, parse_json(text, kMaxDepth, kMaxBytes));
  if (!value.is_object()) return Error{ErrorCode::kInvalidArgument, "it is no JSON object"};
  std::string styled;
  size_t depth = 0;
  const auto new_line = [&] {
    if (style == JsonStyle::kIndented) styled.append(1, '\n').append(4 * depth, ' ');
  };
  for (size_t at = skip_space(text, 0); at < text.size(); at = skip_space(text, at)) {
    const char c = text[at];
    if (c == '"') {
      const size_t end = end_of_string(text, at);
      styled += text.substr(at, end - at);
      at = end;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') {
      styled += c;
      const size_t next = skip_space(text, at);
      const bool empty = text[next] == '}' || text[next] == ']';
      if (empty) {
        styled += text[next];
        at = next + 1;
      } else {
        ++depth;
        new_line();
      }
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
      styled += c;
    } else if (c == ',') {
      styled += style == JsonStyle::kIndented ? "," : ", ";
      new_line();
    } else if (c == ':') {
      styled += ": ";
    } else {
      styled += c;
    }
  }
  return styled;
}

std::string_view member_text(std::string_view object, std::string_view key) {
  size_t at = skip_space(object, 0) + 1;
  while ((at = skip_space(object, at)) < object.size() && object[at] == '"') {
    const size_t key_end = end_of_string(object, at);
    const std::string_view name = object.substr(at + 1, key_end - at - 2);
    const size_t begin = skip_space(object, skip_space(object, key_end) + 1);  // behind the colon
    if (begin >= object.size()) break;
    const size_t end = end_of_value(object, begin);
    if (name == key) return object.substr(begin, end - begin);
    at = skip_space(object, end);
    if (at < object.size() && object[at] == ',') ++at;
  }
  return {};
}

std::string quoted_json(std::string_view text) { return json::serialize(json::value(text)); }

}  // namespace docmind::tokenizer
