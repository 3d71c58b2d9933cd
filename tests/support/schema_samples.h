// Schemas and values at random, and a small validator of JSON Schema to check what was generated against.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>
#include <string_view>

#include "base/json.h"

namespace docmind::test {

// Whether `value` is valid for `schema`, of which references are in `root`; knows the keywords that grammars know.
[[nodiscard]] bool is_valid(const json::value& value, const json::value& schema, const json::value& root);

// Grammars are at least as strict as this: objects that name properties are closed.
class SchemaSamples {
 public:
  explicit SchemaSamples(uint64_t seed) : random_(seed) {}

  [[nodiscard]] json::value schema(int depth);
  // A value that is valid for the schema, with members in the order of its properties.
  [[nodiscard]] json::value value_of(const json::value& schema, const json::value& root, int depth = 0);
  [[nodiscard]] size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

 private:
  [[nodiscard]] json::object object_schema(int depth);
  [[nodiscard]] json::object array_schema(int depth);
  [[nodiscard]] json::object string_schema();
  [[nodiscard]] json::object number_schema();
  [[nodiscard]] json::object object_of(const json::object& schema, const json::value& root, int depth);
  [[nodiscard]] json::array array_of(const json::object& schema, const json::value& root, int depth);
  [[nodiscard]] std::string text(size_t n_min, size_t n_max);
  [[nodiscard]] std::string name() { return names_[below(names_.size())]; }

  std::mt19937_64 random_;
  std::vector<std::string> names_ = {"a", "ab", "name", "\u00e4\u00f6", "with \"quotes\"", "x/y~z", "", "\U0001f642"};
};

// Without white space, and numbers as JSON has them.
[[nodiscard]] std::string compact_json(const json::value& value);

}  // namespace docmind::test
