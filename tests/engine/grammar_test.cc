// Grammar: what texts of a schema may look like, and which schemas are refused.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar.h"

#include <gtest/gtest.h>

#include "engine/engine_test_support.h"
#include "engine/grammar_impl.h"
#include "engine/grammar_states.h"

namespace docmind::engine {
namespace {

std::shared_ptr<const Grammar> grammar_of(std::string_view schema, const GrammarLimits& limits = {}) {
  return must(Grammar::from_json_schema(must(parse_json(schema, 100, 1 << 20)), limits));
}

Error refused(std::string_view schema, const GrammarLimits& limits = {}) {
  const auto grammar = Grammar::from_json_schema(must(parse_json(schema, 100, 1 << 20)), limits);
  return grammar.ok() ? Error{ErrorCode::kInternal, "it was compiled"} : grammar.error();
}

bool writes(const Grammar& grammar, std::string_view text) {
  GrammarStates states(compiled(grammar).program(), compiled(grammar).max_levels());
  GrammarStates::State state = states.start();
  for (const char c : text) state = states.step(state, static_cast<uint8_t>(c));
  return states.complete(state);
}

void expect_texts(std::string_view schema, const std::vector<std::string_view>& good,
                  const std::vector<std::string_view>& bad) {
  const auto grammar = grammar_of(schema);
  for (const std::string_view text : good) EXPECT_TRUE(writes(*grammar, text)) << schema << " " << text;
  for (const std::string_view text : bad) EXPECT_FALSE(writes(*grammar, text)) << schema << " " << text;
}

TEST(Grammar, WritesAnyJsonObject) {
  const auto grammar = must(Grammar::json_object());
  for (const std::string_view text :
       {"{}", " {}", "{\"a\":1}", "{ \"a\": [1, 2.5e-3, true, null, {\"b\": \"\\u00e9\\ud83d\\ude42\\n\"}] }",
        "{\n  \"a\": \"\xf0\x9f\x99\x82\",\n  \"b\": {}\n}", "{\"\":-0.0}"}) {
    EXPECT_TRUE(writes(*grammar, text)) << text;
  }
  for (const std::string_view text : {"", "[]", "{", "{\"a\"}", "{\"a\":01}", "{\"a\":1,}", "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\n\"}", "{\"a\":\"\\ud83d\"}", "{\"a\":+1}",
                                      "{\"a\":1e400}", "{} ", "{  }", "{\"a\":\n1}", "{\"a\":tru}"}) {
    EXPECT_FALSE(writes(*grammar, text)) << text;
  }
}

TEST(Grammar, HoldsNestingBelowItsLimit) {
  const auto nested = [](size_t n) { return "{\"a\":" + std::string(n - 1, '[') + std::string(n - 1, ']') + "}"; };
  const auto grammar = must(Grammar::json_object());
  EXPECT_TRUE(writes(*grammar, nested(64)));
  EXPECT_FALSE(writes(*grammar, nested(65)));
}

TEST(Grammar, KeepsTheOrderOfProperties) {
  expect_texts(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"},"c":{"type":"null"}},
                   "required":["b"]})",
               {R"({"a":1,"b":true,"c":null})", R"({"b":false})", R"({"b":true, "c":null})", R"({ "a": -5,
   "b": true })"},
               {R"({})", R"({"a":1})", R"({"b":true,"a":1})", R"({"b":true,"d":1})", R"({"b":true,"b":true})"});
}

TEST(Grammar, OtherMembersAreNoneOfTheNamedOnes) {
  expect_texts(
      R"({"type":"object","properties":{"ab":{"type":"integer"},"ä":{"type":"null"}},
                   "additionalProperties":{"type":"string"}})",
      {R"({"ab":1,"a":"x","abc":"y"})", R"({"å":"x"})", R"({"b":"x","\n":""})", R"({"":""})", R"({"ä":null,"z":""})"},
      {R"({"ab":"x"})", R"({"a":1})", R"({"\u0061b":"x"})", R"({"ä":"x"})", R"({"a\u0062":"x"})"});
  expect_texts(R"({"type":"object"})", {R"({"x":[{}]})"}, {R"([])"});
  expect_texts(R"({"type":"object","required":["x"]})", {R"({"x":[]})", R"({"x":1,"y":2})"}, {R"({})", R"({"y":2})"});
}

TEST(Grammar, CountsItems) {
  expect_texts(R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3})", {"[1,2]", "[1, 2,\n  3]"},
               {"[]", "[1]", "[1,2,3,4]", "[1,\"a\"]"});
  expect_texts(
      R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1})",
      {"[1]", "[1,\"a\"]", "[1,\"a\",null,null]"}, {"[]", "[\"a\"]", "[1,null]"});
  expect_texts(R"({"type":"array","prefixItems":[{"type":"integer"}],"items":false})", {"[]", "[1]"}, {"[1,1]"});
  expect_texts(R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"});
}

TEST(Grammar, HoldsNumbersToTheirBounds) {
  expect_texts(R"({"type":"integer","minimum":-12,"maximum":105})", {"-12", "-1", "0", "9", "10", "99", "105"},
               {"-13", "106", "1050", "-0", "01", "1.0", "-20", "-100"});
  expect_texts(R"({"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5})", {"4"}, {"3", "5", "44"});
  expect_texts(R"({"type":"integer","minimum":1.5})", {"2", "1000000"}, {"1", "-2"});
  expect_texts(R"({"type":"number","minimum":0,"maximum":1})", {"0", "1", "0.5", "1.0", "0.999"},
               {"1.5", "-0.5", "2", "1.01"});
  expect_texts(R"({"type":"number","exclusiveMinimum":-2,"exclusiveMaximum":0})", {"-1", "-0.5", "-1.99"},
               {"-2", "0", "-0.0", "-2.5", "1"});
  expect_texts(R"({"type":"integer"})", {"0", "-7", "123456789012345678"}, {"1.5", "1e3", "1234567890123456789"});
}

TEST(Grammar, HoldsStringsToLengthAndPattern) {
  expect_texts(R"({"type":"string","minLength":1,"maxLength":2})",
               {"\"a\"", "\"\xf0\x9f\x99\x82\xc3\xa9\"", "\"\\n\\u0041\"", "\"\\ud83d\\ude42x\""}, {"\"\"", "\"abc\""});
  expect_texts(R"({"type":"string","pattern":"^(a|bc){2,3}\\.[^x\\d]?$"})", {"\"abc.\"", "\"aaa.y\"", "\"bca.\\\"\""},
               {"\"a.\"", "\"aaaa.\"", "\"aa.x\"", "\"aa.1\"", "\"aa\""});
  expect_texts(R"({"type":"string","pattern":"b+"})", {"\"b\"", "\"abc\"", "\"\\nbb\""}, {"\"\"", "\"ac\""});
  expect_texts(R"({"type":"string","format":"date"})", {"\"2024-02-28\"", "\"1999-12-31\""},
               {"\"2024-02-30\"", "\"2024-13-01\"", "\"24-01-01\""});
  expect_texts(R"({"type":"string","format":"date-time"})",
               {"\"2024-02-28T23:59:01Z\"", "\"2024-02-28T23:59:01.5+02:00\""}, {"\"2024-02-28\""});
  expect_texts(R"({"type":"string","format":"uuid"})", {"\"12345678-9abc-def0-1234-56789abcdef0\""}, {"\"1234\""});
}

TEST(Grammar, WritesListedValuesOnly) {
  expect_texts(R"({"enum":["a","ab","é\"",1.5,{"x":[1,null]}]})",
               {"\"a\"", "\"ab\"", "\"é\\\"\"", "1.5", "{\"x\":[1,null]}"}, {"\"b\"", "\"abc\"", "1", "null"});
  expect_texts(R"({"type":["string","null"],"enum":["a",1,null]})", {"\"a\"", "null"}, {"1"});
  expect_texts(R"({"const":"x"})", {"\"x\""}, {"\"y\""});
}

TEST(Grammar, FollowsReferencesThatComeBack) {
  expect_texts(R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},
                   "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}}})",
               {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":null}})"},
               {R"({"v":1})", R"({"v":1,"next":2})"});
  expect_texts(
      R"({"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}}},"required":["children"]})",
      {R"({"children":[{"children":[]},{"children":[]}]})"}, {R"({"children":[1]})"});
}

TEST(Grammar, PutsTogetherWhatMustHoldTogether) {
  expect_texts(R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},
                            {"$ref":"#/$defs/b"}],"$defs":{"b":{"properties":{"a":{"minimum":3},"b":{"type":"null"}}}}})",
               {R"({"a":3,"b":null})", R"({"a":17})"}, {R"({"a":2})", R"({"b":null})"});
  expect_texts(R"({"type":"object","properties":{"k":{"type":"string"}},"required":["k"],
                   "anyOf":[{"properties":{"x":{"type":"null"}},"required":["x"]},{"properties":{"y":{"type":"null"}}}]})",
               {R"({"k":"","x":null})", R"({"k":"","y":null})", R"({"k":""})"},
               {R"({"x":null})", R"({"k":"","x":null,"y":null})"});
  expect_texts(R"({"oneOf":[{"type":"integer"},{"type":"string"}]})", {"1", "\"\""}, {"null"});
}

TEST(Grammar, NamesWhatItCannotHonour) {
  const auto expect_refusal = [](std::string_view schema, ErrorCode code, std::string_view words) {
    const Error error = refused(schema);
    EXPECT_EQ(error.code, code) << schema << " " << error.message;
    EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  };
  using enum ErrorCode;
  expect_refusal(R"({"type":"object","properties":{"a/b":{"multipleOf":3}}})", kUnsupported,
                 "'multipleOf' at '#/properties/a~1b/multipleOf'");
  expect_refusal(R"({"type":"object","patternProperties":{}})", kUnsupported, "patternProperties");
  expect_refusal(R"({"not":{"type":"null"}})", kUnsupported, "'not'");
  expect_refusal(R"({"type":"string","format":"email"})", kUnsupported, "email");
  expect_refusal(R"({"type":"string","pattern":"(?=a)b"})", kUnsupported, "(?=");
  expect_refusal(R"({"type":"string","pattern":"(a*)*"})", kUnsupported, "may be empty");
  expect_refusal(R"({"type":"string","pattern":"a","maxLength":3})", kUnsupported, "pattern");
  expect_refusal(R"({"type":"number","minimum":0.5})", kUnsupported, "0.5");
  expect_refusal(R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", kUnsupported, "both");
  expect_refusal(R"({"$ref":"https://example.com/x"})", kUnsupported, "example.com");
  expect_refusal(R"({"$ref":"#/$defs/none"})", kInvalidArgument, "#/$defs/none");
  expect_refusal(R"({"$ref":"#"})", kUnsupported, "finite");
  expect_refusal(R"({"allOf":[{"$ref":"#"}]})", kUnsupported, "allOf");
  expect_refusal(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", kUnsupported, "finite");
  expect_refusal(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", kUnsupported, "refers to itself");
  expect_refusal(R"({"type":"integer","minimum":3,"maximum":2})", kUnsupported, "finite");
  expect_refusal(R"({"type":"thing"})", kInvalidArgument, "type");
  expect_refusal(R"({"type":"array","minItems":-1})", kInvalidArgument, "minItems");
  expect_refusal(R"([])", kInvalidArgument, "object or a boolean");
}

TEST(Grammar, IsBounded) {
  std::string deep = R"({"type":"null"})";
  for (int i = 0; i < 40; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_EQ(refused(deep).code, ErrorCode::kLimit);
  EXPECT_EQ(refused(R"({"type":"string"})", {.max_schema_bytes = 5}).code, ErrorCode::kLimit);
  EXPECT_EQ(refused(R"({"type":"string"})", {.max_nodes = 10}).code, ErrorCode::kLimit);
  // Parts that refer to parts, each twice.
  std::string laughs = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 30; ++i) {
    const std::string next = "#/$defs/d" + std::to_string(i + 1);
    laughs += "\"d" + std::to_string(i) + R"(":{"allOf":[{"$ref":")" + next + R"("},{"$ref":")" + next + R"("}]},)";
  }
  laughs += R"("d30":{"type":"null"}}})";
  EXPECT_EQ(refused(laughs).code, ErrorCode::kUnsupported);
}

const std::string kWeather = R"({"type":"function","function":{"name":"weather","parameters":{"type":"object",
  "properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":9}},"required":["city"]}}})";
const std::string kNow = R"({"type":"function","function":{"name":"now"}})";

TEST(Grammar, WritesToolCalls) {
  const std::vector<std::string> tools = {kWeather, kNow};
  const auto qwen = must(Grammar::tool_call(tokenizer::ChatFamily::kQwen3, tools));
  const std::string call =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 3}}\n</tool_call>";
  EXPECT_TRUE(writes(*qwen, call));
  EXPECT_TRUE(writes(*qwen, "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"));
  EXPECT_FALSE(writes(*qwen, call + "\n" + call));
  EXPECT_FALSE(writes(*qwen, "<tool_call>\n{\"name\": \"never\", \"arguments\": {}}\n</tool_call>"));
  EXPECT_TRUE(writes(*must(Grammar::tool_call(tokenizer::ChatFamily::kChatMl, tools, true)), call + "\n" + call));
  const auto only = must(Grammar::tool_call(tokenizer::ChatFamily::kLlama3, tools, false, "now"));
  EXPECT_TRUE(writes(*only, "{\"name\": \"now\", \"parameters\": {}}"));
  EXPECT_FALSE(writes(*only, "{\"name\": \"weather\", \"parameters\": {\"city\": \"\"}}"));
  EXPECT_EQ(Grammar::tool_call(tokenizer::ChatFamily::kGemma, tools).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(Grammar::tool_call(tokenizer::ChatFamily::kQwen3, tools, false, "other").error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace docmind::engine
