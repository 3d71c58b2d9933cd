// The table of settings and values as text: types, ranges, choices, names outside.
// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace docmind {
namespace {

// The message of the error that setting `field` to `text` gives; the config must not change.
std::string refusal(std::string_view field, std::string_view text) {
  Config config;
  const std::string before = get_field(config, field);
  const Status status = set_field(config, field, text);
  if (status.ok()) {
    ADD_FAILURE() << field << " took '" << text << "'";
    return {};
  }
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(get_field(config, field), before);
  return status.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ConfigFields, EachHasItsOwnNamesAndASentence) {
  std::set<std::string> names;
  std::set<std::string> variables;
  for (const FieldInfo& field : config_fields()) {
    EXPECT_TRUE(names.emplace(field.name).second) << field.name;
    EXPECT_TRUE(variables.insert(environment_name(field.name)).second) << field.name;
    EXPECT_EQ(find_field(field.name)->name, field.name);
    EXPECT_GT(field.help.size(), 10u) << field.name;
    EXPECT_FALSE(field_type_name(field.type).empty());
  }
  EXPECT_EQ(find_field("search"), nullptr);
  EXPECT_EQ(find_field(""), nullptr);
  EXPECT_EQ(environment_name("search.top_k"), "DOCMIND_SEARCH_TOP_K");
}

// Each field must reach its own place in the struct: a table out of step would mix them up.
TEST(ConfigFields, EachIsAPlaceOfItsOwn) {
  for (const FieldInfo& field : config_fields()) {
    Config config;
    std::string value;
    switch (field.type) {
      case FieldType::kText: value = "some text"; break;
      case FieldType::kInteger: value = std::to_string(static_cast<int64_t>(field.max)); break;
      case FieldType::kReal: value = fmt::format("{}", field.min + (field.max - field.min) / 8); break;
      case FieldType::kBoolean: value = get_field(config, field.name) == "true" ? "false" : "true"; break;
      case FieldType::kList: value = "*.a,*.b"; break;
    }
    if (!field.choices.empty()) value = field.choices.substr(field.choices.rfind('|') + 1);
    if (get_field(config, field.name) == value) value = std::to_string(static_cast<int64_t>(field.min));
    ASSERT_NE(get_field(config, field.name), value) << field.name;
    ASSERT_TRUE(set_field(config, field.name, value).ok()) << field.name;
    for (const FieldInfo& other : config_fields()) {
      EXPECT_EQ(get_field(config, other.name),
                other.name == field.name ? value : get_field(Config(), other.name)) << other.name;
    }
  }
}

TEST(ConfigFields, ReachTheMembersTheyAreNamedAfter) {
  Config config;
  ASSERT_TRUE(set_field(config, "search.top_k", "17").ok());
  ASSERT_TRUE(set_field(config, "ask.top_k", "18").ok());
  ASSERT_TRUE(set_field(config, "ask.min_relevance", "0.25").ok());
  ASSERT_TRUE(set_field(config, "cache.enabled", "false").ok());
  ASSERT_TRUE(set_field(config, "index.exclude", " drafts/ , ,*.bak").ok());
  ASSERT_TRUE(set_field(config, "tenant", "team a").ok());
  EXPECT_EQ(config.search.top_k, 17);
  EXPECT_EQ(config.ask.top_k, 18);
  EXPECT_EQ(config.ask.min_relevance, 0.25);
  EXPECT_FALSE(config.cache.enabled);
  EXPECT_EQ(config.index.exclude, (std::vector<std::string>{"drafts/", "*.bak"}));
  EXPECT_EQ(config.tenant, "team a");
}

TEST(ConfigFields, EveryDefaultIsAllowed) {
  const Config defaults;
  for (const FieldInfo& field : config_fields()) {
    Config config;
    EXPECT_TRUE(set_field(config, field.name, get_field(defaults, field.name)).ok()) << field.name;
  }
}

TEST(SetField, NumbersMustBeWholeAndInRange) {
  for (const FieldInfo& field : config_fields()) {
    if (field.type != FieldType::kInteger) continue;
    Config config;
    const auto min = static_cast<int64_t>(field.min);
    const auto max = static_cast<int64_t>(field.max);
    EXPECT_TRUE(set_field(config, field.name, std::to_string(min)).ok()) << field.name;
    EXPECT_TRUE(set_field(config, field.name, std::to_string(max)).ok()) << field.name;
    const std::string below = refusal(field.name, std::to_string(min - 1));
    EXPECT_TRUE(contains(below, field.name)) << below;
    EXPECT_TRUE(contains(below, std::to_string(max))) << below;
    refusal(field.name, std::to_string(max + 1));
  }
  for (const char* text : {"", "ten", "1.5", "5x", " 5", "+5", "0x10", "99999999999999999999", "1e2"}) {
    const std::string message = refusal("search.top_k", text);
    EXPECT_TRUE(contains(message, "a whole number from 1 to 1000")) << message;
    EXPECT_TRUE(contains(message, "'" + std::string(text) + "'")) << message;
  }
}

TEST(SetField, RealNumbersMustBeFiniteAndInRange) {
  Config config;
  for (const char* text : {"0", "1", "0.5", "1e-3"}) {
    EXPECT_TRUE(set_field(config, "ask.min_relevance", text).ok()) << text;
  }
  for (const char* text : {"-0.1", "1.01", "nan", "inf", "half", "", "0,5"}) {
    EXPECT_TRUE(contains(refusal("ask.min_relevance", text), "from 0 to 1")) << text;
  }
}

TEST(SetField, ChoicesAndBooleansAreListed) {
  const std::string color = refusal("output.color", "blue");
  EXPECT_TRUE(contains(color, "auto|always|never")) << color;
  refusal("output.color", "");
  refusal("output.color", "aut");
  refusal("output.color", "auto|always");
  for (const char* text : {"yes", "1", "True", ""}) {
    EXPECT_TRUE(contains(refusal("cache.enabled", text), "true or false")) << text;
  }
}

TEST(SetField, AnUnknownNameAndAControlCharacterAreShownSafely) {
  Config config;
  const Status unknown = set_field(config, "search.\x1b[2J", "1");
  ASSERT_FALSE(unknown.ok());
  EXPECT_TRUE(contains(unknown.error().message, "search.\\x1b[2J")) << unknown.error().message;
  const std::string message = refusal("search.top_k", "1\n2");
  EXPECT_TRUE(contains(message, "'1\\n2'")) << message;
  EXPECT_EQ(get_field(config, "no.such"), "");
}

TEST(ConfigReference, NamesEveryFieldWithDefaultAndChoices) {
  const std::string text = config_reference();
  for (const FieldInfo& field : config_fields()) {
    EXPECT_TRUE(contains(text, field.name)) << field.name;
    EXPECT_TRUE(contains(text, field.help)) << field.name;
  }
  EXPECT_TRUE(contains(text, "(trace|debug|info|warn|error|off) [warn]")) << text;
}

}  // namespace
}  // namespace docmind
