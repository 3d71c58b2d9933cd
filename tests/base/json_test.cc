// JSON: what is accepted, what is refused with its place, and how it is printed.
// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace docmind {
namespace {

constexpr size_t kDepth = 8;
constexpr size_t kBytes = 10'000;

ErrorCode code_of(std::string_view text, size_t depth = kDepth, size_t bytes = kBytes) {
  const Result<json::value> value = parse_json(text, depth, bytes);
  EXPECT_FALSE(value.ok()) << text;
  return value.ok() ? ErrorCode::kInternal : value.error().code;
}

TEST(ParseJson, AcceptsOneValueWithSpaceAround) {
  const auto value = parse_json(" {\"a\": [1, -2.5, true, null, \"x\\u00e9\\n\"]}\r\n\t ", kDepth, kBytes);
  ASSERT_TRUE(value.ok()) << value.error().message;
  const json::array& items = value->as_object().at("a").as_array();
  EXPECT_EQ(items.at(0).as_int64(), 1);
  EXPECT_EQ(items.at(1).as_double(), -2.5);
  EXPECT_TRUE(items.at(2).as_bool());
  EXPECT_TRUE(items.at(3).is_null());
  EXPECT_EQ(items.at(4).as_string(), "x\xc3\xa9\n");
  EXPECT_EQ(parse_json("7", kDepth, kBytes)->as_int64(), 7);
}

TEST(ParseJson, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"", "  ", "{", "[1,]", "{\"a\":}", "{'a':1}", "nul", "01", "\"\xff\"", "\"\x01\"", "[1] 2",
        "{} {}", "1 x", "\"\\ud800\"", "NaN", "// comment\n1"}) {
    EXPECT_EQ(code_of(text), ErrorCode::kMalformed) << text;
  }
}

TEST(ParseJson, NamesThePlace) {
  const auto bad = parse_json("[1, 2, x]", kDepth, kBytes);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("at byte 7"), std::string::npos) << bad.error().message;
  const auto extra = parse_json("[1]  [2]", kDepth, kBytes);
  ASSERT_FALSE(extra.ok());
  EXPECT_NE(extra.error().message.find("at byte"), std::string::npos) << extra.error().message;
}

TEST(ParseJson, BoundsDepthAndSize) {
  EXPECT_TRUE(parse_json("[[1]]", 2, kBytes).ok());
  EXPECT_EQ(code_of("[[[1]]]", 2), ErrorCode::kMalformed);
  EXPECT_EQ(code_of(std::string(100'000, '['), kDepth, 1 << 20), ErrorCode::kMalformed);
  EXPECT_TRUE(parse_json("[1,2]", kDepth, 5).ok());
  const auto large = parse_json("[1,23]", kDepth, 5);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kLimit);
  EXPECT_NE(large.error().message.find("6 bytes"), std::string::npos) << large.error().message;
  EXPECT_NE(large.error().message.find("limit of 5"), std::string::npos) << large.error().message;
}

TEST(ParseJson, ReadsNumbersBack) {
  for (const double number : {0.1, 1.0 / 3, 0.45000000000000001, 1e-300, 123456789.123456789,
                              std::numeric_limits<double>::min(), std::numeric_limits<double>::max()}) {
    const auto back = parse_json(json::serialize(json::value(number)), kDepth, kBytes);
    ASSERT_TRUE(back.ok());
    EXPECT_DOUBLE_EQ(back->to_number<double>(), number);  // up to the last bit or two
  }
  EXPECT_EQ(parse_json("9223372036854775807", kDepth, kBytes)->as_int64(),
            std::numeric_limits<int64_t>::max());
}

TEST(PrettyJson, IndentsAndKeepsTheOrderOfKeys) {
  const json::value value = {{"z", 1}, {"a", {1, "two"}}, {"empty", json::array()}, {"none", json::object()},
                             {"inner", json::object{{"k", nullptr}}}};
  EXPECT_EQ(to_string_pretty(value),
            "{\n"
            "  \"z\": 1,\n"
            "  \"a\": [\n"
            "    1,\n"
            "    \"two\"\n"
            "  ],\n"
            "  \"empty\": [],\n"
            "  \"none\": {},\n"
            "  \"inner\": {\n"
            "    \"k\": null\n"
            "  }\n"
            "}");
  EXPECT_EQ(to_string_pretty(json::value("a\"b\n")), "\"a\\\"b\\n\"");
}

TEST(PrettyJson, IsReadBackToTheSameValue) {
  const json::value value = {{"key \"quoted\"", {1.5, false, {{"\n", "\x1b[31m"}}}}, {"", ""}};
  const auto back = parse_json(to_string_pretty(value), kDepth, kBytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, value);
}

}  // namespace
}  // namespace docmind
