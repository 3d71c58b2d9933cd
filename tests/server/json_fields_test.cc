// JsonFields: types and ranges, and that errors name the field, its value and what is allowed.
// SPDX-License-Identifier: Apache-2.0
#include "server/json_fields.h"

#include <gtest/gtest.h>

namespace docmind::server {
namespace {

json::object object_of(std::string_view text) { return json::parse(text).as_object(); }

TEST(JsonFields, ReadsWhatIsThereAndTakesNullForAbsent) {
  const json::object object = object_of(
      R"({"t":"x","i":3.0,"n":-7,"r":0.5,"b":true,"z":null,"l":["a","b"],"o":{"k":1}})");
  JsonFields fields(object);
  EXPECT_EQ(fields.text("t"), "x");
  EXPECT_EQ(fields.integer("i", 0, 5), 3);
  EXPECT_EQ(fields.integer("n", -7, -7), -7);
  EXPECT_EQ(fields.real("r", 0, 1), 0.5);
  EXPECT_EQ(fields.real("i", 0, 5), 3.0);
  EXPECT_EQ(fields.boolean("b"), true);
  EXPECT_EQ(fields.text("z"), std::nullopt);
  EXPECT_EQ(fields.integer("absent", 0, 1), std::nullopt);
  EXPECT_EQ(fields.texts("l", 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.texts("t", 2), std::vector<std::string>{"x"});
  ASSERT_NE(fields.object("o"), nullptr);
  EXPECT_EQ(fields.array("z", 1), nullptr);
  EXPECT_TRUE(fields.ok());
}

std::string message_of(const JsonFields& fields) { return fields.error() ? fields.error()->message : ""; }

TEST(JsonFields, NamesFieldValueAndRange) {
  const json::object object = object_of(
      R"({"t":5,"i":1.5,"big":9223372036854775808,"huge":1e300,"r":"hot","n":99,"l":["a",3],"m":["a","b","c"]})");
  const auto error = [&](auto read) {
    JsonFields fields(object, "body.");
    read(fields);
    EXPECT_EQ(fields.error()->status, 400);
    return message_of(fields);
  };
  EXPECT_EQ(error([](JsonFields& f) { (void)f.text("t"); }), "body.t must be a text, not 5");
  EXPECT_EQ(error([](JsonFields& f) { (void)f.integer("i", 0, 5); }), "body.i is 1.5E0; it must be a whole number");
  EXPECT_NE(error([](JsonFields& f) { (void)f.integer("big", 0, 5); }).find("between 0 and 5"), std::string::npos);
  EXPECT_NE(error([](JsonFields& f) { (void)f.integer("huge", 0, 5); }).find("between 0 and 5"), std::string::npos);
  EXPECT_EQ(error([](JsonFields& f) { (void)f.real("r", 0, 2); }), "body.r must be a number, not \"hot\"");
  EXPECT_EQ(error([](JsonFields& f) { (void)f.real("n", 0, 2); }), "body.n is 99; it must be between 0 and 2");
  EXPECT_EQ(error([](JsonFields& f) { (void)f.boolean("n"); }), "body.n must be true or false, not 99");
  EXPECT_EQ(error([](JsonFields& f) { (void)f.texts("l", 5); }), "body.l[1] must be a text, not 3");
  EXPECT_EQ(error([](JsonFields& f) { (void)f.texts("m", 2); }), "body.m has 3 items; at most 2 are allowed");
  EXPECT_EQ(error([](JsonFields& f) { (void)f.required_text("absent"); }), "body.absent is missing; it must be a text");
  JsonFields fields(object, "body.");
  (void)fields.object("l");
  EXPECT_EQ(fields.error()->param, "body.l");
}

TEST(JsonFields, KeepsTheFirstErrorAndReadsNothingAfterIt) {
  const json::object object = object_of(R"({"a":"x","b":"y","c":1})");
  JsonFields fields(object);
  (void)fields.integer("a", 0, 1);
  (void)fields.integer("b", 0, 1);
  EXPECT_EQ(fields.error()->param, "a");
  EXPECT_EQ(fields.integer("c", 0, 1), std::nullopt);
}

TEST(ParseBody, RefusesWhatIsNoObject) {
  ApiError error;
  for (const std::string_view body : {"", " ", "[]", "3", "{", "{} {}", "{\"a\":\"\xff\"}", "nope"}) {
    EXPECT_FALSE(parse_body(body, error)) << body;
    EXPECT_EQ(error.status, 400) << body;
  }
  EXPECT_FALSE(parse_body(std::string(100, '[') , error));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 40; ++i) deep += "[";
  for (int i = 0; i < 40; ++i) deep += "]";
  EXPECT_FALSE(parse_body(deep + "}", error));
  EXPECT_TRUE(parse_body("{}", error));
}

}  // namespace
}  // namespace docmind::server
