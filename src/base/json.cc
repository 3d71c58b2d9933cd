// JSON through Boost.JSON; the one translation unit that compiles the library's sources.
// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <boost/json/src.hpp>

#include "base/text.h"

namespace docmind {
namespace {

void print(const json::value& value, size_t depth, std::string& out) {
  const std::string indent(2 * depth + 2, ' ');
  const std::string closing(2 * depth, ' ');
  if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [key, item] : *object) {
      out += (first ? "" : ",\n") + indent + json::serialize(json::string(key)) + ": ";
      print(item, depth + 1, out);
      first = false;
    }
    out += "\n" + closing + "}";
  } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    bool first = true;
    for (const json::value& item : *array) {
      out += (first ? "" : ",\n") + indent;
      print(item, depth + 1, out);
      first = false;
    }
    out += "\n" + closing + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

Result<json::value> parse_json(std::string_view text, size_t max_depth, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Error{ErrorCode::kLimit, "the JSON text has " + std::to_string(text.size()) +
                                        " bytes, more than the limit of " + std::to_string(max_bytes)};
  }
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code failure;
  json::stream_parser parser({}, options);
  const size_t used = parser.write_some(text.data(), text.size(), failure);
  if (!failure && trim(text.substr(used)).size() > 0) failure = json::error::extra_data;
  if (!failure) parser.finish(failure);
  if (failure) {
    return Error{ErrorCode::kMalformed, "the text is not valid JSON at byte " +
                                            std::to_string(used) + ": " + failure.message()};
  }
  return parser.release();
}

std::string to_string_pretty(const json::value& value) {
  std::string out;
  print(value, 0, out);
  return out;
}

}  // namespace docmind
