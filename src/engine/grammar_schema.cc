// SchemaCompiler: references, alternatives and types.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_schema.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/grammar_merge.h"

namespace docmind::engine {
namespace {

constexpr int kMaxFlattened = 64;      // allOf and $ref of one schema, within each other
constexpr size_t kMaxMerged = 2'000;   // merged schemas in all: parts that refer to parts could be without number

constexpr std::string_view kKnown[] = {
    "type",       "properties", "required",  "additionalProperties", "items",   "prefixItems", "minItems",
    "maxItems",   "enum",       "const",     "anyOf",                "oneOf",   "allOf",       "$ref",
    "minLength",  "maxLength",  "pattern",   "format",               "minimum", "maximum",     "exclusiveMinimum",
    "exclusiveMaximum"};

Error wrong_keyword(std::string_view keyword, std::string_view pointer, std::string_view expected) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("the schema's keyword '{}' at '{}/{}' must be {}", keyword,
                                                        printable(pointer), keyword, expected)};
}

// A key as a part of a JSON pointer (RFC 6901).
std::string pointer_part(std::string_view key) {
  std::string part;
  for (const char c : key) {
    if (c == '~') part += "~0";
    else if (c == '/') part += "~1";
    else part += c;
  }
  return part;
}

}  // namespace

SchemaCompiler::Place SchemaCompiler::Place::at(std::string_view key) const {
  return {pointer + "/" + pointer_part(key), depth + 1};
}

Result<NodeId> SchemaCompiler::compile() {
  DM_ASSIGN(const NodeId root, rule(root_, {"#", 0}));
  while (!wanted_.empty() && !builder_.full()) {
    const Wanted next = std::move(wanted_.front());
    wanted_.pop_front();
    DM_ASSIGN(const NodeId made, rule(*next.schema, {next.pointer, 0}));
    builder_.bind(next.rule, made);
  }
  return root;
}

Status SchemaCompiler::check_keywords(const json::object& schema, const Place& place) const {
  for (const auto& [key, value] : schema) {
    if (is_annotation(key) || std::ranges::find(kKnown, std::string_view(key)) != std::end(kKnown)) continue;
    const bool says_nothing = (key == "uniqueItems" || key == "nullable") && value.is_bool() && !value.get_bool();
    if (!says_nothing) return unsupported_keyword(key, place.pointer, "cannot be held to while text is generated");
  }
  return {};
}

Result<NodeId> SchemaCompiler::rule(const json::value& schema, const Place& place) {
  if (place.depth > limits_.max_depth) {
    return Error{ErrorCode::kLimit, fmt::format("the schema at '{}' is nested deeper than the {} levels allowed",
                                                printable(place.pointer), limits_.max_depth)};
  }
  if (builder_.full()) return builder_.nothing();
  if (schema.is_bool()) return schema.get_bool() ? json_.value() : builder_.nothing();
  if (!schema.is_object()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the schema at '{}' must be an object or a boolean", printable(place.pointer))};
  }
  const json::object& given = schema.get_object();
  const auto says = [&](std::string_view keyword) { return given.contains(keyword); };
  const auto n_said = std::ranges::count_if(given, [](const auto& entry) { return !is_annotation(entry.key()); });
  if (says("$ref") && n_said == 1) return reference(given.at("$ref"), place);
  DM_TRY(check_keywords(given, place));
  if (!says("$ref") && !says("allOf")) return plain_rule(given, place);
  DM_ASSIGN(const json::object flat, flattened(given, place, kMaxFlattened));
  DM_TRY(check_keywords(flat, place));
  return plain_rule(flat, place);
}

Result<NodeId> SchemaCompiler::plain_rule(const json::object& schema, const Place& place) {
  for (const std::string_view keyword : {"anyOf", "oneOf"}) {
    if (schema.contains(keyword)) return alternatives(schema, keyword, place);
  }
  if (schema.contains("enum") || schema.contains("const")) return values(schema, place);
  const json::value* type_said = schema.if_contains("type");
  if (type_said != nullptr && !type_said->is_string() && !type_said->is_array()) {
    return wrong_keyword("type", place.pointer, "a name or a list of names");
  }
  const std::vector<std::string_view> types = types_of(schema);
  std::vector<NodeId> arms;
  for (const std::string_view type : types) {
    // Of both, the numbers.
    if (type == "integer" && std::ranges::find(types, "number") != types.end()) continue;
    DM_ASSIGN(const NodeId one, typed(type, schema, place));
    arms.push_back(one);
  }
  return builder_.split(arms);
}

Result<NodeId> SchemaCompiler::typed(std::string_view type, const json::object& schema, const Place& place) {
  const NodeId end = builder_.end();
  if (type == "object") return object_rule(schema, place);
  if (type == "array") return array_rule(schema, place);
  if (type == "string") return string_rule(schema, place);
  if (type == "number" || type == "integer") return number_rule(schema, type == "integer", place);
  if (type == "boolean") return builder_.split({builder_.literal("true", end), builder_.literal("false", end)});
  if (type == "null") return builder_.literal("null", end);
  return wrong_keyword("type", place.pointer, "one of object, array, string, number, integer, boolean and null");
}

// What stands beside the alternatives holds for each of them.
Result<NodeId> SchemaCompiler::alternatives(const json::object& schema, std::string_view keyword, const Place& place) {
  const json::value& list = schema.at(keyword);
  if (!list.is_array() || list.get_array().empty()) {
    return wrong_keyword(keyword, place.pointer, "a list of schemas");
  }
  json::object rest;
  for (const auto& [key, value] : schema) {
    if (key != keyword && !is_annotation(key)) rest[key] = value;
  }
  if (!rest.empty() && (n_merged_ += list.get_array().size()) > kMaxMerged) {
    return unsupported_keyword(keyword, place.pointer, "has too many alternatives that other keywords stand beside");
  }
  std::vector<json::object> branches;
  std::vector<NodeId> arms;
  for (size_t i = 0; i < list.get_array().size(); ++i) {
    const Place branch_place = place.at(keyword).at(std::to_string(i));
    const json::value& branch = list.get_array()[i];
    if (rest.empty() && keyword == "anyOf") {
      DM_ASSIGN(const NodeId arm, rule(branch, branch_place));
      arms.push_back(arm);
      continue;
    }
    if (!branch.is_object()) return wrong_keyword(keyword, place.pointer, "a list of objects here");
    DM_ASSIGN(json::object whole, flattened(branch.get_object(), branch_place, kMaxFlattened));
    DM_ASSIGN(whole, merge_schemas(rest, whole, branch_place.pointer));
    DM_ASSIGN(const NodeId arm, rule(whole, branch_place));
    arms.push_back(arm);
    branches.push_back(std::move(whole));
  }
  if (keyword == "anyOf") return builder_.split(arms);
  for (size_t i = 0; i < branches.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (exclude_each_other(branches[i], branches[j])) continue;
      return unsupported_keyword(keyword, place.pointer,
                                 fmt::format("has alternatives that may hold both ({} and {}); let them differ in type "
                                             "or in a required property's const, or use anyOf", j, i));
    }
  }
  return builder_.split(arms);
}

Result<const json::value*> SchemaCompiler::target(const json::value& to, const Place& place) const {
  if (!to.is_string()) return wrong_keyword("$ref", place.pointer, "a text");
  const std::string_view text = to.get_string();
  if (!text.starts_with('#') || (text.size() > 1 && text[1] != '/')) {
    return unsupported_keyword("$ref", place.pointer, fmt::format("leads to '{}'; only places in this schema ('#/...') "
                                                                  "are known", printable(text)));
  }
  boost::system::error_code error;
  const json::value* found = root_.find_pointer(text.substr(1), error);
  if (found != nullptr) return found;
  return Error{ErrorCode::kInvalidArgument, fmt::format("the schema's $ref at '{}' leads to '{}', which is not there",
                                                        printable(place.pointer), printable(text))};
}

Result<NodeId> SchemaCompiler::reference(const json::value& to, const Place& place) {
  DM_ASSIGN(const json::value* schema, target(to, place));
  const std::string pointer(to.get_string());
  const auto known = references_.find(pointer);
  if (known != references_.end()) return known->second;
  const NodeId made = builder_.reserve();
  references_.emplace(pointer, made);
  wanted_.push_back({schema, pointer, made});
  return made;
}

Result<json::object> SchemaCompiler::flattened(json::object schema, const Place& place, int n_more) {
  while (schema.contains("$ref") || schema.contains("allOf")) {
    if (--n_more < 0 || ++n_merged_ > kMaxMerged) {
      return unsupported_keyword("allOf", place.pointer, "refers to itself or has too many parts");
    }
    json::array parts;
    if (const json::value* all = schema.if_contains("allOf")) {
      if (!all->is_array()) return wrong_keyword("allOf", place.pointer, "a list of schemas");
      parts = all->get_array();
    }
    if (const json::value* to = schema.if_contains("$ref")) {
      DM_ASSIGN(const json::value* referred, target(*to, place));
      parts.push_back(*referred);
    }
    schema.erase("allOf");
    schema.erase("$ref");
    for (const json::value& part : parts) {
      if (part.is_bool() && part.get_bool()) continue;
      if (!part.is_object()) return wrong_keyword("allOf", place.pointer, "a list of objects");
      DM_ASSIGN(const json::object flat, flattened(part.get_object(), place, n_more));
      DM_TRY(check_keywords(flat, place));
      DM_ASSIGN(schema, merge_schemas(schema, flat, place.pointer));
    }
  }
  return schema;
}

}  // namespace docmind::engine
