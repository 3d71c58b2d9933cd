// Properties of the configuration: printed TOML reads back to the same values; any bytes are safe.
// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

#include "base/text.h"
#include "support/temp_folder.h"

namespace docmind {
namespace {

// Text from pieces that TOML, JSON and terminals treat specially.
std::string any_text(bool in_list) {
  std::string text;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(
           rc::gen::element<std::string>("a", "b c", "\"", "\\", "'", "#", "=", "[", "]", "\n", "\t",
                                         "\r", "\x1b", "\x7f", "\x01", "\u00e9", "\u4e2d", "\u0085",
                                         "\U0001f600", "%", "{}", "/", ".", ","))) {
    text += piece;
  }
  if (in_list) {
    std::erase(text, ',');
    text = trim(text);
  }
  return text;
}

std::string any_value(const FieldInfo& field) {
  switch (field.type) {
    case FieldType::kInteger:
      return std::to_string(*rc::gen::inRange<int64_t>(static_cast<int64_t>(field.min),
                                                       static_cast<int64_t>(field.max) + 1));
    case FieldType::kReal: {
      const double share = *rc::gen::inRange(0, 1'000'001) / 1e6;
      return fmt::format("{}", field.min + share * (field.max - field.min));
    }
    case FieldType::kBoolean: return *rc::gen::arbitrary<bool>() ? "true" : "false";
    case FieldType::kList: {
      std::string list;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        const std::string item = any_text(true);
        if (!item.empty()) list += (list.empty() ? "" : ",") + item;
      }
      return list;
    }
    case FieldType::kText: break;
  }
  if (field.choices.empty()) return any_text(false);
  std::vector<std::string> choices;
  for (size_t at = 0; at < field.choices.size();) {
    const size_t bar = std::min(field.choices.find('|', at), field.choices.size());
    choices.emplace_back(field.choices.substr(at, bar - at));
    at = bar + 1;
  }
  return *rc::gen::elementOf(choices);
}

TEST(ConfigProperty, TomlReadsBackToTheSameValues) {
  const test::TempFolder folder;
  EXPECT_TRUE(rc::check("load(print(config)) == config", [&] {
    Effective effective;
    for (const FieldInfo& field : config_fields()) {
      RC_ASSERT(set_field(effective.config, field.name, any_value(field)).ok());
      effective.origins[std::string(field.name)] = {Origin::Kind::kFlag, any_text(false)};
    }
    for (const bool with_origin : {false, true}) {
      const std::string toml = config_to_toml(effective, with_origin);
      const Result<Effective> back =
          load_config({.file_path = folder.write("config.toml", toml), .env = {}, .flags = {}});
      if (!back.ok()) RC_FAIL(back.error().message + "\n" + printable(toml));
      for (const FieldInfo& field : config_fields()) {
        RC_ASSERT(get_field(back->config, field.name) == get_field(effective.config, field.name));
      }
    }
  }));
}

TEST(ConfigProperty, ATextValueComesBackFromGetField) {
  EXPECT_TRUE(rc::check("set then get", [] {
    const FieldInfo& field = config_fields()[*rc::gen::inRange<size_t>(0, config_fields().size())];
    Config config;
    RC_ASSERT(set_field(config, field.name, any_value(field)).ok());
    Config again;
    RC_ASSERT(set_field(again, field.name, get_field(config, field.name)).ok());
    RC_ASSERT(get_field(again, field.name) == get_field(config, field.name));
  }));
}

TEST(ConfigProperty, AnyBytesInTheFileGiveAValueOrAnErrorOnOneLine) {
  const test::TempFolder folder;
  EXPECT_TRUE(rc::check("no crash", [&] {
    std::string toml = config_to_toml(Effective{}, false);
    for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
      toml[*rc::gen::inRange<size_t>(0, toml.size())] = *rc::gen::arbitrary<char>();
    }
    const Result<Effective> effective =
        load_config({.file_path = folder.write("config.toml", toml), .env = {}, .flags = {}});
    if (!effective.ok()) RC_ASSERT(effective.error().code == ErrorCode::kInvalidArgument);
  }));
}

}  // namespace
}  // namespace docmind
