// Schemas that must hold together: merged keyword by keyword.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_merge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::engine {
namespace {

constexpr std::string_view kTypes[] = {"object", "array", "string", "number", "integer", "boolean", "null"};
constexpr std::string_view kAnnotations[] = {"title",   "description", "default",    "examples",  "$comment", "$schema",
                                             "$id",     "$defs",       "definitions", "deprecated", "readOnly",
                                             "writeOnly", "$anchor"};
struct KeywordOfType {
  std::string_view keyword, type;
};
constexpr KeywordOfType kKeywords[] = {
    {"properties", "object"}, {"required", "object"},  {"additionalProperties", "object"}, {"items", "array"},
    {"prefixItems", "array"}, {"minItems", "array"},   {"maxItems", "array"},              {"minLength", "string"},
    {"maxLength", "string"},  {"pattern", "string"},   {"format", "string"},               {"minimum", "number"},
    {"maximum", "number"},    {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"}};

bool contains(const std::vector<std::string_view>& list, std::string_view one) {
  return std::ranges::find(list, one) != list.end();
}

// What both types allow; an integer is a number.
std::vector<std::string_view> common_types(const std::vector<std::string_view>& a,
                                           const std::vector<std::string_view>& b) {
  std::vector<std::string_view> both;
  for (const std::string_view type : a) {
    if (contains(b, type) || (type == "integer" && contains(b, "number"))) both.push_back(type);
    else if (type == "number" && contains(b, "integer")) both.push_back("integer");
  }
  return both;
}

// The values that enum or const leave, if there is one.
std::optional<json::array> values_of(const json::object& schema) {
  if (const json::value* one = schema.if_contains("const")) return json::array{*one};
  const json::value* list = schema.if_contains("enum");
  if (list == nullptr || !list->is_array()) return std::nullopt;
  return list->get_array();
}

bool have_common(const json::array& a, const json::array& b) {
  return std::ranges::any_of(a, [&](const json::value& value) { return std::ranges::find(b, value) != b.end(); });
}

// An object that is merged is a schema or says nothing more than true.
Result<json::value> merge_values(const json::value& a, const json::value& b, const std::string& pointer) {
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (!one->is_bool()) continue;
    return one->get_bool() ? *other : *one;
  }
  if (!a.is_object() || !b.is_object()) return unsupported_keyword("allOf", pointer, "has something that is no schema");
  DM_ASSIGN(json::object merged, merge_schemas(a.get_object(), b.get_object(), pointer));
  return json::value(std::move(merged));
}

// Of an object schema: what it says of a property that it does not name.
json::value others_of(const json::object& schema) {
  const json::value* others = schema.if_contains("additionalProperties");
  return others == nullptr ? json::value(true) : *others;
}

const json::object& properties_of(const json::object& schema, const json::object& none) {
  const json::value* properties = schema.if_contains("properties");
  return properties != nullptr && properties->is_object() ? properties->get_object() : none;
}

// Each property must hold for both sides, and one that a side does not name for what that side says of others.
Status merge_properties(const json::object& a, const json::object& b, json::object& merged,
                        const std::string& pointer) {
  const json::object none;
  const json::object& first = properties_of(a, none);
  const json::object& second = properties_of(b, none);
  json::object all;
  for (const auto& [name, schema] : first) {
    const json::value* other = second.if_contains(name);
    DM_ASSIGN(all[name], merge_values(schema, other != nullptr ? *other : others_of(b), pointer));
  }
  for (const auto& [name, schema] : second) {
    if (!first.contains(name)) {
      DM_ASSIGN(all[name], merge_values(schema, others_of(a), pointer));
    }
  }
  if (a.contains("properties") || b.contains("properties")) merged["properties"] = std::move(all);
  if (a.contains("additionalProperties") || b.contains("additionalProperties")) {
    DM_ASSIGN(merged["additionalProperties"], merge_values(others_of(a), others_of(b), pointer));
  }
  return {};
}

bool same_or_narrower(std::string_view keyword, const json::value& a, const json::value& b, json::value& result) {
  if (a == b) {
    result = a;
    return true;
  }
  if (!a.is_number() || !b.is_number()) return false;
  const bool larger = keyword.starts_with("min") || keyword == "exclusiveMinimum";
  const bool smaller = keyword.starts_with("max") || keyword == "exclusiveMaximum";
  if (!larger && !smaller) return false;
  result = (a.to_number<double>() > b.to_number<double>()) == larger ? a : b;
  return true;
}

void merge_required(const json::object& a, const json::object& b, json::object& merged) {
  json::array names;
  for (const json::object* side : {&a, &b}) {
    const json::value* list = side->if_contains("required");
    if (list == nullptr || !list->is_array()) continue;
    for (const json::value& name : list->get_array()) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  if (!names.empty()) merged["required"] = std::move(names);
}

json::value merged_types(const json::object& a, const json::object& b) {
  json::array list;
  for (const std::string_view type : common_types(types_of(a), types_of(b))) list.emplace_back(type);
  return list;
}

json::value merged_values(const json::array& a, const json::array& b) {
  json::array both;
  for (const json::value& value : a) {
    if (std::ranges::find(b, value) != b.end()) both.push_back(value);
  }
  return both;
}

std::string_view type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: return "object";
    case json::kind::array: return "array";
    case json::kind::string: return "string";
    case json::kind::bool_: return "boolean";
    case json::kind::null: return "null";
    default: return "number";
  }
}

// The types of valid values: a keyword alone says nothing of values of another type than its own.
std::vector<std::string_view> valid_types(const json::object& schema) {
  std::vector<std::string_view> types(std::begin(kTypes), std::end(kTypes));
  if (schema.contains("type")) types = types_of(schema);
  const std::optional<json::array> values = values_of(schema);
  if (!values) return types;
  std::vector<std::string_view> of_values;
  for (const json::value& value : *values) of_values.push_back(type_of(value));
  return common_types(types, of_values);
}

bool requires_it(const json::object& schema, std::string_view name) {
  const json::value* list = schema.if_contains("required");
  return list != nullptr && list->is_array() &&
         std::ranges::find(list->get_array(), json::value(name)) != list->get_array().end();
}

}  // namespace

Error unsupported_keyword(std::string_view keyword, std::string_view pointer, std::string_view why) {
  return Error{ErrorCode::kUnsupported, fmt::format("the schema's keyword '{}' at '{}/{}' {}", printable(keyword),
                                                    printable(pointer), printable(keyword), why)};
}

bool is_annotation(std::string_view keyword) {
  return std::ranges::find(kAnnotations, keyword) != std::end(kAnnotations);
}

std::vector<std::string_view> types_of(const json::object& schema) {
  if (const json::value* type = schema.if_contains("type")) {
    if (type->is_string()) return {type->get_string()};
    std::vector<std::string_view> types;
    if (type->is_array()) {
      for (const json::value& one : type->get_array()) {
        if (one.is_string()) types.emplace_back(one.get_string());
      }
    }
    return types;
  }
  std::vector<std::string_view> types;
  for (const KeywordOfType& entry : kKeywords) {
    if (schema.contains(entry.keyword) && !contains(types, entry.type)) types.push_back(entry.type);
  }
  if (types.empty()) types.assign(std::begin(kTypes), std::end(kTypes));
  return types;
}

Result<json::object> merge_schemas(const json::object& a, const json::object& b, const std::string& pointer) {
  json::object merged;
  if (a.contains("type") || b.contains("type")) merged["type"] = merged_types(a, b);
  DM_TRY(merge_properties(a, b, merged, pointer));
  merge_required(a, b, merged);
  const std::optional<json::array> a_values = values_of(a), b_values = values_of(b);
  if (a_values && b_values) merged["enum"] = merged_values(*a_values, *b_values);
  else if (a_values || b_values) merged["enum"] = a_values ? *a_values : *b_values;
  constexpr std::string_view kDone[] = {"type", "properties", "additionalProperties", "required", "enum", "const"};
  for (const json::object* side : {&a, &b}) {
    for (const auto& [key, value] : *side) {
      if (std::ranges::find(kDone, std::string_view(key)) != std::end(kDone) || is_annotation(key)) continue;
      const json::value* known = merged.if_contains(key);
      json::value result = value;
      if (known != nullptr && !same_or_narrower(key, *known, value, result)) {
        return unsupported_keyword(key, pointer, "cannot be held to together with the one that must hold beside it");
      }
      merged[key] = std::move(result);
    }
  }
  return merged;
}

bool exclude_each_other(const json::object& a, const json::object& b) {
  const std::optional<json::array> a_values = values_of(a), b_values = values_of(b);
  if (a_values && b_values) return !have_common(*a_values, *b_values);
  const std::vector<std::string_view> a_types = valid_types(a), b_types = valid_types(b);
  if (common_types(a_types, b_types).empty()) return true;
  const std::vector<std::string_view> objects = {"object"};
  if (a_types != objects || b_types != objects) return false;
  const json::object none;
  for (const auto& [name, schema] : properties_of(a, none)) {
    const json::value* other = properties_of(b, none).if_contains(name);
    if (other == nullptr || !schema.is_object() || !other->is_object()) continue;
    if (requires_it(a, name) && requires_it(b, name) && exclude_each_other(schema.get_object(), other->get_object())) {
      return true;
    }
  }
  return false;
}

}  // namespace docmind::engine
