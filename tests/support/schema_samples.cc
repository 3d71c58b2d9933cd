// Schemas and values at random.
// SPDX-License-Identifier: Apache-2.0
#include "support/schema_samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <regex>
#include <set>

#include <fmt/format.h>

namespace docmind::test {
namespace {

constexpr std::string_view kPatterns[] = {"^[a-z]{2,5}$", "^(foo|bar)-[0-9]+$", "^x*y?z+$",
                                          "ab",           "^\\d{3}$",           "^[^a-z\"]{1,4}$"};

size_t n_characters(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

// A character each, for patterns.
std::wstring wide(std::string_view text) {
  std::wstring made;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t point = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t k = 1; k < n; ++k) point = point << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3f);
    made += static_cast<wchar_t>(point);
    i += n;
  }
  return made;
}

bool has_type(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (!value.is_number()) return false;
  return type == "number" || std::floor(value.to_number<double>()) == value.to_number<double>();
}

bool same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  return a == b;
}

bool types_hold(const json::value& value, const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr) return true;
  if (type->is_string()) return has_type(value, type->get_string());
  return std::ranges::any_of(type->get_array(),
                             [&](const json::value& one) { return has_type(value, one.get_string()); });
}

bool object_holds(const json::object& object, const json::object& schema, const json::value& root) {
  const json::object none;
  const json::value* given = schema.if_contains("properties");
  const json::object& properties = given == nullptr ? none : given->get_object();
  const json::value* others = schema.if_contains("additionalProperties");
  for (const auto& [key, value] : object) {
    const json::value* property = properties.if_contains(key);
    if (property != nullptr && !is_valid(value, *property, root)) return false;
    if (property == nullptr && others != nullptr && !is_valid(value, *others, root)) return false;
  }
  const json::value* required = schema.if_contains("required");
  if (required == nullptr) return true;
  return std::ranges::all_of(required->get_array(),
                             [&](const json::value& key) { return object.contains(key.get_string()); });
}

bool array_holds(const json::array& array, const json::object& schema, const json::value& root) {
  const json::value* least = schema.if_contains("minItems");
  const json::value* most = schema.if_contains("maxItems");
  if (least != nullptr && array.size() < least->to_number<size_t>()) return false;
  if (most != nullptr && array.size() > most->to_number<size_t>()) return false;
  const json::value* prefix = schema.if_contains("prefixItems");
  const json::value* items = schema.if_contains("items");
  for (size_t i = 0; i < array.size(); ++i) {
    const bool first = prefix != nullptr && i < prefix->get_array().size();
    const json::value* own = first ? &prefix->get_array()[i] : items;
    if (own != nullptr && !is_valid(array[i], *own, root)) return false;
  }
  return true;
}

bool string_holds(std::string_view text, const json::object& schema) {
  const json::value* least = schema.if_contains("minLength");
  const json::value* most = schema.if_contains("maxLength");
  if (least != nullptr && n_characters(text) < least->to_number<size_t>()) return false;
  if (most != nullptr && n_characters(text) > most->to_number<size_t>()) return false;
  const json::value* pattern = schema.if_contains("pattern");
  if (pattern == nullptr) return true;
  return std::regex_search(wide(text), std::wregex(wide(pattern->get_string())));
}

bool number_holds(double value, const json::object& schema) {
  const auto bound = [&](std::string_view key, double none) {
    const json::value* given = schema.if_contains(key);
    return given == nullptr ? none : given->to_number<double>();
  };
  const double infinity = std::numeric_limits<double>::infinity();
  return std::isfinite(value) && value >= bound("minimum", -infinity) && value <= bound("maximum", infinity) &&
         value > bound("exclusiveMinimum", -infinity) && value < bound("exclusiveMaximum", infinity);
}

bool alternatives_hold(const json::value& value, const json::object& schema, const json::value& root) {
  const auto n_valid = [&](std::string_view keyword) {
    return std::ranges::count_if(schema.at(keyword).get_array(),
                                 [&](const json::value& one) { return is_valid(value, one, root); });
  };
  if (schema.contains("anyOf") && n_valid("anyOf") == 0) return false;
  if (schema.contains("oneOf") && n_valid("oneOf") != 1) return false;
  return !schema.contains("allOf") ||
         n_valid("allOf") == static_cast<std::ptrdiff_t>(schema.at("allOf").get_array().size());
}

}  // namespace

bool is_valid(const json::value& value, const json::value& schema, const json::value& root) {
  if (schema.is_bool()) return schema.get_bool();
  const json::object& object = schema.get_object();
  if (const json::value* to = object.if_contains("$ref")) {
    boost::system::error_code error;
    const json::value* target = root.find_pointer(std::string_view(to->get_string()).substr(1), error);
    if (target == nullptr || !is_valid(value, *target, root)) return false;
  }
  if (!types_hold(value, object) || !alternatives_hold(value, object, root)) return false;
  if (const json::value* only = object.if_contains("const"); only != nullptr && !same(value, *only)) return false;
  if (const json::value* list = object.if_contains("enum")) {
    if (std::ranges::none_of(list->get_array(), [&](const json::value& one) { return same(one, value); })) return false;
  }
  if (value.is_object()) return object_holds(value.get_object(), object, root);
  if (value.is_array()) return array_holds(value.get_array(), object, root);
  if (value.is_string()) return string_holds(value.get_string(), object);
  return !value.is_number() || number_holds(value.to_number<double>(), object);
}

// --- schemas ---

json::object SchemaSamples::object_schema(int depth) {
  json::object schema{{"type", "object"}};
  json::object properties;
  json::array required;
  const size_t n = below(5);
  for (size_t i = 0; i < n; ++i) {
    const std::string key = name();
    if (properties.contains(key)) continue;
    properties[key] = this->schema(depth - 1);
    if (below(2) == 0) required.emplace_back(key);
  }
  if (!properties.empty() || below(2) == 0) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  switch (below(4)) {
    case 0: schema["additionalProperties"] = false; break;
    case 1: schema["additionalProperties"] = this->schema(depth - 1); break;
    default: break;
  }
  return schema;
}

json::object SchemaSamples::array_schema(int depth) {
  json::object schema{{"type", "array"}};
  if (below(2) == 0) schema["items"] = this->schema(depth - 1);
  if (below(4) == 0) {
    json::array prefix;
    for (size_t i = 0; i <= below(3); ++i) prefix.push_back(this->schema(depth - 1));
    schema["prefixItems"] = std::move(prefix);
    schema.emplace("items", true);
  }
  const size_t least = below(4);
  if (below(2) == 0) schema["minItems"] = least;
  if (below(2) == 0) schema["maxItems"] = least + below(4);
  return schema;
}

json::object SchemaSamples::string_schema() {
  json::object schema{{"type", "string"}};
  if (below(4) == 0) {
    schema["pattern"] = kPatterns[below(std::size(kPatterns))];
    return schema;
  }
  const size_t least = below(5);
  if (below(3) == 0) schema["minLength"] = least;
  if (below(3) == 0) schema["maxLength"] = least + below(40);
  return schema;
}

json::object SchemaSamples::number_schema() {
  json::object schema{{"type", below(2) == 0 ? "integer" : "number"}};
  const auto least = static_cast<int64_t>(below(2'000)) - 1'000;
  if (below(2) == 0) schema[below(2) == 0 ? "minimum" : "exclusiveMinimum"] = least;
  if (below(2) == 0) {
    schema[below(2) == 0 ? "maximum" : "exclusiveMaximum"] =
        least + 2 + static_cast<int64_t>(below(below(2) == 0 ? 5 : 100'000));
  }
  return schema;
}

json::value SchemaSamples::schema(int depth) {
  const size_t n_kinds = depth > 0 ? 12 : 8;
  switch (below(n_kinds)) {
    case 0: return {{"type", "boolean"}};
    case 1: return {{"type", "null"}};
    case 2: return {{"enum", json::array{"a", "ab", "\u00e9\"", 7, -2.5, json::value(nullptr), json::array{1, "b"}}}};
    case 3: return {{"const", json::object{{"k", true}, {"l", json::array{}}}}};
    case 4: return {{"type", json::array{"string", "integer", "null"}}};
    case 5: return string_schema();
    case 6:
    case 7: return number_schema();
    case 8: return array_schema(depth);
    case 9: return {{"anyOf", json::array{schema(depth - 1), schema(depth - 1)}}};
    case 10:
      return {{"oneOf", json::array{json::object{{"type", "object"},
                                                 {"properties", json::object{{"kind", json::object{{"const", "one"}}},
                                                                             {"of", schema(depth - 1)}}},
                                                 {"required", json::array{"kind"}}},
                                    json::object{{"type", "object"},
                                                 {"properties", json::object{{"kind", json::object{{"const", "two"}}}}},
                                                 {"required", json::array{"kind"}}},
                                    json::object{{"type", "integer"}}}}};
    default: return object_schema(depth);
  }
}

// --- values ---

std::string SchemaSamples::text(size_t n_min, size_t n_max) {
  constexpr std::string_view kCharacters[] = {"a",  "b",    " ",      "\"",     "\\",         "/",
                                              "\n", "\x01", "\u00e9", "\u4e2d", "\U0001f642", "\x7f"};
  std::string made;
  const size_t n = n_min + below(n_max - n_min + 1);
  for (size_t i = 0; i < n; ++i) made += kCharacters[below(std::size(kCharacters))];
  return made;
}

json::object SchemaSamples::object_of(const json::object& schema, const json::value& root, int depth) {
  json::object made;
  const json::value* given = schema.if_contains("properties");
  const json::value* others = schema.if_contains("additionalProperties");
  const json::value* required = schema.if_contains("required");
  if (given != nullptr) {
    for (const auto& [key, property] : given->get_object()) {
      const bool must = required != nullptr &&
                        std::ranges::find(required->get_array(), json::value(key)) != required->get_array().end();
      if (must || below(2) == 0) made[key] = value_of(property, root, depth + 1);
    }
  }
  const bool open = others != nullptr ? !(others->is_bool() && !others->get_bool()) : given == nullptr;
  const json::value any(true);
  for (size_t i = 0; open && i < below(3); ++i) {
    const std::string key = "other" + text(0, 4);
    made[key] = value_of(others == nullptr ? any : *others, root, depth + 1);
  }
  return made;
}

json::array SchemaSamples::array_of(const json::object& schema, const json::value& root, int depth) {
  const auto number = [&](std::string_view key, size_t none) {
    const json::value* given = schema.if_contains(key);
    return given == nullptr ? none : given->to_number<size_t>();
  };
  const size_t least = number("minItems", 0);
  const size_t n = least + below(number("maxItems", least + 4) - least + 1);
  const json::value* prefix = schema.if_contains("prefixItems");
  const json::value* items = schema.if_contains("items");
  const json::value any(true);
  json::array made;
  for (size_t i = 0; i < n; ++i) {
    const bool first = prefix != nullptr && i < prefix->get_array().size();
    made.push_back(value_of(first ? prefix->get_array()[i] : items != nullptr ? *items : any, root, depth + 1));
  }
  return made;
}

json::value SchemaSamples::value_of(const json::value& schema, const json::value& root, int depth) {
  if (schema.is_bool()) {
    const json::value some[] = {
        nullptr, true, 1.5, -12, json::value(text(0, 3)), json::object{{"q", json::array{1, json::object{}}}}};
    return some[below(std::size(some))];
  }
  const json::object& object = schema.get_object();
  if (const json::value* to = object.if_contains("$ref")) {
    boost::system::error_code error;
    return value_of(*root.find_pointer(std::string_view(to->get_string()).substr(1), error), root, depth + 1);
  }
  for (const std::string_view keyword : {"anyOf", "oneOf", "enum"}) {
    const json::value* list = object.if_contains(keyword);
    if (list == nullptr) continue;
    const json::value& one = list->get_array()[below(list->get_array().size())];
    return keyword == "enum" ? one : value_of(one, root, depth + 1);
  }
  if (const json::value* only = object.if_contains("const")) return *only;
  const json::value& types = object.at("type");
  const std::string type(types.is_string() ? types.get_string()
                                           : types.get_array()[below(types.get_array().size())].get_string());
  if (type == "object") return object_of(object, root, depth);
  if (type == "array") return array_of(object, root, depth);
  if (type == "boolean") return below(2) == 0;
  if (type == "null") return nullptr;
  const auto number = [&](std::string_view key, int64_t none) {
    const json::value* given = object.if_contains(key);
    return given == nullptr ? none : given->to_number<int64_t>();
  };
  if (type == "string") {
    const json::value* pattern = object.if_contains("pattern");
    constexpr std::string_view kMatches[] = {"abc", "foo-12", "xxyz", "\u00e9ab\"", "123", "A 1"};
    if (pattern != nullptr) {
      return json::value(
          kMatches[std::ranges::find(kPatterns, std::string_view(pattern->get_string())) - std::begin(kPatterns)]);
    }
    const auto least = static_cast<size_t>(number("minLength", 0));
    return json::value(text(least, static_cast<size_t>(number("maxLength", static_cast<int64_t>(least) + 10))));
  }
  int64_t low = std::max(number("minimum", -100'000), number("exclusiveMinimum", -100'001) + 1);
  int64_t high = std::min(number("maximum", 1'000'000), number("exclusiveMaximum", 1'000'001) - 1);
  if (!object.contains("minimum") && !object.contains("exclusiveMinimum")) low = std::min(low, high - 50);
  const auto whole = low + static_cast<int64_t>(below(static_cast<size_t>(high - low + 1)));
  if (type == "integer" || whole == high || below(2) == 0) return whole;
  return static_cast<double>(whole) + 0.25 * static_cast<double>(1 + below(3));
}

std::string compact_json(const json::value& value) {
  if (value.is_double()) return fmt::format("{}", value.get_double());
  if (value.is_array()) {
    std::string text;
    for (const json::value& one : value.get_array()) text += (text.empty() ? "" : ",") + compact_json(one);
    return "[" + text + "]";
  }
  if (!value.is_object()) return json::serialize(value);
  std::string text;
  for (const auto& [key, member] : value.get_object()) {
    text += (text.empty() ? "" : ",") + json::serialize(json::value(key)) + ":" + compact_json(member);
  }
  return "{" + text + "}";
}

}  // namespace docmind::test
