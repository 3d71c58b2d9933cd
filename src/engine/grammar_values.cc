// SchemaCompiler: values that a schema lists.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/grammar_merge.h"
#include "engine/grammar_schema.h"

namespace docmind::engine {
namespace {

// Compact, with numbers as short as they can be.
void write_compact(const json::value& value, std::string& text) {
  if (value.is_object()) {
    text += '{';
    bool first = true;
    for (const auto& [key, member] : value.get_object()) {
      text += first ? "\"" : ",\"";
      text += escaped_json(key);
      text += "\":";
      write_compact(member, text);
      first = false;
    }
    text += '}';
  } else if (value.is_array()) {
    text += '[';
    bool first = true;
    for (const json::value& item : value.get_array()) {
      if (!first) text += ',';
      write_compact(item, text);
      first = false;
    }
    text += ']';
  } else if (value.is_string()) {
    text += '"' + escaped_json(value.get_string()) + '"';
  } else if (value.is_double()) {
    text += fmt::format("{}", value.get_double());
  } else {
    text += json::serialize(value);
  }
}

bool is_of_type(const json::value& value, std::string_view type) {
  if (value.is_object()) return type == "object";
  if (value.is_array()) return type == "array";
  if (value.is_string()) return type == "string";
  if (value.is_bool()) return type == "boolean";
  if (value.is_null()) return type == "null";
  const bool whole = !value.is_double() || value.get_double() == std::floor(value.get_double());
  return type == "number" || (type == "integer" && whole);
}

}  // namespace

Result<NodeId> SchemaCompiler::values(const json::object& schema, const Place& place) {
  for (const auto& [key, value] : schema) {
    if (key == "enum" || key == "const" || key == "type" || is_annotation(key)) continue;
    return unsupported_keyword(key, place.pointer, "cannot be held to beside enum or const");
  }
  json::array list;
  if (const json::value* given = schema.if_contains("enum")) {
    if (!given->is_array()) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("the schema's keyword 'enum' at '{}/enum' must be a list "
                                                            "of values", printable(place.pointer))};
    }
    list = given->get_array();
  } else {
    list.push_back(schema.at("const"));
  }
  if (const json::value* only = schema.if_contains("const")) {
    const bool listed = std::ranges::find(list, *only) != list.end();
    list = listed ? json::array{*only} : json::array();
  }
  const std::vector<std::string_view> types = types_of(schema);
  std::vector<std::string> texts;
  for (const json::value& value : list) {
    if (std::ranges::none_of(types, [&](std::string_view type) { return is_of_type(value, type); })) continue;
    write_compact(value, texts.emplace_back());
  }
  return one_of_texts(std::move(texts));
}

// What texts have in common at their beginning is written once.
NodeId SchemaCompiler::one_of_texts(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  const auto node_of = [&](const auto& self, size_t begin, size_t end, size_t from) -> NodeId {
    if (builder_.full()) return builder_.nothing();
    const std::string_view first = texts[begin], last = texts[end - 1];
    if (end - begin == 1) return builder_.literal(first.substr(from), builder_.end());
    size_t to = from;
    while (to < first.size() && first[to] == last[to]) ++to;
    std::vector<NodeId> arms;
    if (to == first.size()) arms.push_back(builder_.end()), ++begin;
    while (begin < end) {
      size_t next = begin;
      while (next < end && texts[next][to] == texts[begin][to]) ++next;
      arms.push_back(self(self, begin, next, to));
      begin = next;
    }
    return builder_.literal(first.substr(from, to - from), builder_.split(arms));
  };
  return texts.empty() ? builder_.nothing() : node_of(node_of, 0, texts.size(), 0);
}

}  // namespace docmind::engine
