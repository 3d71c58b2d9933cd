// SchemaCompiler: objects, arrays, strings and numbers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/grammar_merge.h"
#include "engine/grammar_pattern.h"
#include "engine/grammar_schema.h"

namespace docmind::engine {
namespace {

constexpr int64_t kMaxCount = 1'000'000'000;

Error wrong_value(std::string_view keyword, std::string_view pointer, std::string_view expected) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("the schema's keyword '{}' at '{}/{}' must be {}", keyword,
                                                        printable(pointer), keyword, expected)};
}

bool is_whole(double value) { return std::isfinite(value) && value == std::floor(value); }

}  // namespace

Result<SchemaCompiler::Counts> SchemaCompiler::counts(const json::object& schema, std::string_view min,
                                                      std::string_view max, const Place& place) const {
  Counts counts;
  for (const std::string_view keyword : {min, max}) {
    const json::value* given = schema.if_contains(keyword);
    if (given == nullptr) continue;
    if (!given->is_number()) return wrong_value(keyword, place.pointer, "a number");
    const double value = given->to_number<double>();
    if (!is_whole(value) || value < 0 || value > kMaxCount) {
      return wrong_value(keyword, place.pointer, fmt::format("a whole number from 0 to {}", kMaxCount));
    }
    (keyword == min ? counts.min : counts.max) = static_cast<uint32_t>(value);
  }
  return counts;
}

// --- objects ---

Result<std::optional<NodeId>> SchemaCompiler::other_members(const json::object& schema, const Place& place) {
  const json::value* given = schema.if_contains("additionalProperties");
  if (given == nullptr) {
    if (schema.contains("properties")) return std::optional<NodeId>();
    return std::optional<NodeId>(json_.value());
  }
  if (given->is_bool() && !given->get_bool()) return std::optional<NodeId>();
  DM_ASSIGN(const NodeId rule_of_others, rule(*given, place.at("additionalProperties")));
  return std::optional<NodeId>(rule_of_others);
}

Result<std::vector<SchemaCompiler::Member>> SchemaCompiler::members_of(const json::object& schema,
                                                                       std::optional<NodeId> others,
                                                                       const Place& place) {
  std::vector<Member> members;
  if (const json::value* properties = schema.if_contains("properties")) {
    if (!properties->is_object()) return wrong_value("properties", place.pointer, "an object");
    for (const auto& [name, property] : properties->get_object()) {
      DM_ASSIGN(const NodeId made, rule(property, place.at("properties").at(name)));
      members.push_back({name, false, made});
    }
  }
  const json::value* required = schema.if_contains("required");
  if (required == nullptr) return members;
  if (!required->is_array()) return wrong_value("required", place.pointer, "a list of names");
  for (const json::value& name : required->get_array()) {
    if (!name.is_string()) return wrong_value("required", place.pointer, "a list of names");
    const std::string_view text = name.get_string();
    const auto found = std::ranges::find(members, text, &Member::name);
    if (found != members.end()) {
      found->required = true;
      continue;
    }
    // It has no schema of its own; that of others holds for it.
    const bool is_closed = schema.contains("additionalProperties") && !others;
    members.push_back({text, true, is_closed ? builder_.nothing() : others.value_or(json_.value())});
  }
  return members;
}

Result<NodeId> SchemaCompiler::object_rule(const json::object& schema, const Place& place) {
  DM_ASSIGN(const std::optional<NodeId> others, other_members(schema, place));
  DM_ASSIGN(const std::vector<Member> members, members_of(schema, others, place));
  if (members.empty() && others == json_.value()) return json_.object();
  return builder_.call(object_node(members, others), builder_.end(), true);
}

// Two chains of nodes along the members, before the first that is written and after; members that are not required
// can be passed over in both.
NodeId SchemaCompiler::object_node(const std::vector<Member>& members, std::optional<NodeId> others) {
  const NodeId end = builder_.end();
  NodeId first = builder_.byte('}', end);
  NodeId more = json_.close('}', end);
  if (others) {
    std::vector<std::string_view> names;
    for (const Member& member : members) names.push_back(member.name);
    const NodeId loop = builder_.reserve();
    const NodeId other = json_.other_key(names, json_.colon(builder_.call(*others, loop)));
    more = builder_.split({more, json_.comma(other)});
    builder_.bind(loop, more);
    first = builder_.split({first, other});
  }
  for (size_t i = members.size(); i-- > 0;) {
    const Member& member = members[i];
    const NodeId value = json_.colon(builder_.call(member.rule, more));
    const NodeId whole = builder_.byte('"', json_.text_of(member.name, builder_.byte('"', value)));
    const NodeId next = json_.comma(whole);
    more = member.required ? next : builder_.split({next, more});
    first = member.required ? whole : builder_.split({whole, first});
  }
  return builder_.byte('{', json_.space(first));
}

// --- arrays ---

Result<NodeId> SchemaCompiler::array_rule(const json::object& schema, const Place& place) {
  DM_ASSIGN(const Counts wanted, counts(schema, "minItems", "maxItems", place));
  std::vector<NodeId> first;
  if (const json::value* prefix = schema.if_contains("prefixItems")) {
    if (!prefix->is_array()) return wrong_value("prefixItems", place.pointer, "a list of schemas");
    for (size_t i = 0; i < prefix->get_array().size(); ++i) {
      DM_ASSIGN(const NodeId made, rule(prefix->get_array()[i], place.at("prefixItems").at(std::to_string(i))));
      first.push_back(made);
    }
  }
  std::optional<NodeId> others;
  const json::value* items = schema.if_contains("items");
  if (items == nullptr && first.empty()) {
    others = json_.value();
  } else if (items != nullptr && !(items->is_bool() && !items->get_bool())) {
    DM_ASSIGN(const NodeId made, rule(*items, place.at("items")));
    others = made;
  }
  return builder_.call(array_node(first, others, wanted), builder_.end(), true);
}

NodeId SchemaCompiler::array_node(const std::vector<NodeId>& first, std::optional<NodeId> others, Counts counts) {
  const NodeId end = builder_.end();
  const NodeId close = json_.close(']', end);
  const auto n_first = static_cast<uint32_t>(std::min<size_t>(first.size(), counts.max));
  // After the first ones, or after one of the others where there are none.
  const uint32_t n_before = std::max(n_first, 1u);
  const uint32_t still = counts.min > n_before ? counts.min - n_before : 0;
  const uint32_t most = counts.max == GrammarBuilder::kNoLimit ? counts.max
                        : counts.max > n_before                ? counts.max - n_before
                                                               : 0;
  NodeId after = still > 0 ? builder_.nothing() : close;
  if (others && most > 0) after = builder_.repeat(json_.comma(builder_.call(*others, end)), still, most, close);
  for (uint32_t i = n_first; i-- > 1;) {
    const NodeId next = json_.comma(builder_.call(first[i], after));
    after = i >= counts.min ? builder_.split({next, close}) : next;
  }
  std::vector<NodeId> arms;
  if (counts.min == 0) arms.push_back(builder_.byte(']', end));
  if (n_first > 0) arms.push_back(builder_.call(first[0], after));
  else if (others && counts.max > 0) arms.push_back(builder_.call(*others, after));
  return builder_.byte('[', json_.space(builder_.split(arms)));
}

// --- strings and numbers ---

Result<NodeId> SchemaCompiler::string_rule(const json::object& schema, const Place& place) {
  DM_ASSIGN(const Counts length, counts(schema, "minLength", "maxLength", place));
  const bool has_length = schema.contains("minLength") || schema.contains("maxLength");
  std::string pattern;
  for (const std::string_view keyword : {"pattern", "format"}) {
    const json::value* given = schema.if_contains(keyword);
    if (given == nullptr) continue;
    if (!given->is_string()) return wrong_value(keyword, place.pointer, "a text");
    if (has_length || !pattern.empty()) {
      return unsupported_keyword(keyword, place.pointer, "cannot be held to beside minLength, maxLength or pattern");
    }
    const std::string_view text = given->get_string();
    pattern = keyword == "pattern" ? std::string(text) : format_pattern(text);
    if (keyword == "format" && pattern.empty()) {
      return unsupported_keyword(keyword, place.pointer,
                                 fmt::format("is '{}'; known are date, time, date-time and uuid", printable(text)));
    }
    if (pattern.empty()) return json_.string();
  }
  const NodeId end = builder_.end();
  if (!pattern.empty()) {
    Result<NodeId> made = pattern_rule(builder_, json_, pattern);
    if (!made.ok()) return std::move(made).error().with_context(fmt::format("{}/pattern", printable(place.pointer)));
    return made;
  }
  if (length.min == 0 && length.max == GrammarBuilder::kNoLimit) return builder_.call(json_.string(), end);
  const NodeId body = builder_.repeat(json_.character(), length.min, length.max, builder_.byte('"', end));
  return builder_.byte('"', length.min > length.max ? builder_.nothing() : body);
}

Result<NumberBounds> SchemaCompiler::bounds(const json::object& schema, bool integer, const Place& place) const {
  NumberBounds bounds;
  for (const std::string_view keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    const json::value* given = schema.if_contains(keyword);
    if (given == nullptr) continue;
    if (!given->is_number()) return wrong_value(keyword, place.pointer, "a number");
    const double value = given->to_number<double>();
    const bool lower = keyword.ends_with("inimum"), exclusive = keyword.starts_with("excl");
    if (!is_whole(value) && !integer) {
      return unsupported_keyword(keyword, place.pointer,
                                 fmt::format("is {}; numbers can only be held to bounds that are whole", value));
    }
    // Whole numbers above 1.5 are those from 2, with the bound or without.
    const double inner = lower ? std::ceil(value) : std::floor(value);
    const auto cut = static_cast<int64_t>(std::clamp(inner, -2e18, 2e18));
    const int64_t whole =
        given->is_int64() ? std::clamp<int64_t>(given->get_int64(), -2 * kMostInteger, 2 * kMostInteger) : cut;
    const bool strict = exclusive && is_whole(value);
    std::optional<int64_t>& bound = lower ? bounds.min : bounds.max;
    bool& strictly = lower ? bounds.above_min : bounds.below_max;
    const bool narrower = !bound || (lower ? whole > *bound : whole < *bound);
    if (narrower || (whole == *bound && strict)) strictly = strict;
    if (narrower) bound = whole;
  }
  return bounds;
}

Result<NodeId> SchemaCompiler::number_rule(const json::object& schema, bool integer, const Place& place) {
  DM_ASSIGN(const NumberBounds wanted, bounds(schema, integer, place));
  if (!wanted.any()) return builder_.call(integer ? json_.integer() : json_.number(), builder_.end());
  return integer ? bounded_integer(builder_, wanted) : bounded_number(builder_, json_, wanted);
}

}  // namespace docmind::engine
