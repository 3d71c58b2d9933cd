// SchemaCompiler: from JSON Schema to rules.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grammar.h"
#include "engine/grammar_json.h"
#include "engine/grammar_numbers.h"
#include "engine/grammar_program.h"

namespace docmind::engine {

// For one schema; it must outlive the compiler. Errors name the keyword and its JSON pointer.
class SchemaCompiler {
 public:
  SchemaCompiler(const json::value& schema, const GrammarLimits& limits, GrammarBuilder& builder, JsonRules& json)
      : root_(schema), limits_(limits), builder_(builder), json_(json) {}

  // The rule of the schema's values.
  [[nodiscard]] Result<NodeId> compile();

 private:
  struct Place {
    std::string pointer;
    size_t depth = 0;
    [[nodiscard]] Place at(std::string_view key) const;
  };
  struct Member {
    std::string_view name;
    bool required = false;
    NodeId rule = 0;
  };
  struct Counts {
    uint32_t min = 0, max = GrammarBuilder::kNoLimit;
  };

  // --- a schema ---
  Result<NodeId> rule(const json::value& schema, const Place& place);
  Result<NodeId> plain_rule(const json::object& schema, const Place& place);  // without references and alternatives
  Result<NodeId> alternatives(const json::object& schema, std::string_view keyword, const Place& place);
  Result<NodeId> values(const json::object& schema, const Place& place);      // enum, const
  Result<NodeId> typed(std::string_view type, const json::object& schema, const Place& place);

  // --- references ---
  Result<NodeId> reference(const json::value& to, const Place& place);
  Result<const json::value*> target(const json::value& to, const Place& place) const;
  // Without allOf, and without $ref beside other keywords.
  Result<json::object> flattened(json::object schema, const Place& place, int n_more);

  // --- types ---
  Result<NodeId> object_rule(const json::object& schema, const Place& place);
  Result<std::vector<Member>> members_of(const json::object& schema, std::optional<NodeId> others, const Place& place);
  Result<std::optional<NodeId>> other_members(const json::object& schema, const Place& place);
  NodeId object_node(const std::vector<Member>& members, std::optional<NodeId> others);
  Result<NodeId> array_rule(const json::object& schema, const Place& place);
  NodeId array_node(const std::vector<NodeId>& first, std::optional<NodeId> others, Counts counts);
  Result<NodeId> string_rule(const json::object& schema, const Place& place);
  Result<NodeId> number_rule(const json::object& schema, bool integer, const Place& place);

  // --- keywords ---
  Status check_keywords(const json::object& schema, const Place& place) const;
  Result<Counts> counts(const json::object& schema, std::string_view min, std::string_view max,
                        const Place& place) const;
  Result<NumberBounds> bounds(const json::object& schema, bool integer, const Place& place) const;
  NodeId one_of_texts(std::vector<std::string> texts);

  const json::value& root_;
  const GrammarLimits& limits_;
  GrammarBuilder& builder_;
  JsonRules& json_;
  std::map<std::string, NodeId> references_;  // by pointer
  struct Wanted {
    const json::value* schema;
    std::string pointer;
    NodeId rule;
  };
  size_t n_merged_ = 0;
  std::deque<Wanted> wanted_;  // references that are not compiled yet
};

}  // namespace docmind::engine
