// Tool calls: found whole, however the text is cut; what only looks like one stays text.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tool_calls.h"

#include <gtest/gtest.h>

#include "tokenizer/chat_template.h"
#include "tokenizer/tool_json.h"

namespace docmind::tokenizer {
namespace {

using Parts = ToolCallParser::Parts;

// In pieces of every size; all must agree.
Parts parts_of(ChatFamily family, std::string_view text, const std::vector<std::string>& names = {}) {
  const Parts whole = parse_tool_calls(family, text, names);
  for (size_t n = 1; n <= 7; ++n) {
    ToolCallParser parser(family, names);
    Parts all;
    const auto add = [&](Parts some) {
      all.text += some.text;
      for (ToolCall& call : some.calls) all.calls.push_back(std::move(call));
    };
    for (size_t at = 0; at < text.size(); at += n) add(parser.feed(text.substr(at, n)));
    add(parser.finish());
    EXPECT_EQ(all.text, whole.text) << n;
    EXPECT_EQ(all.calls.size(), whole.calls.size()) << n;
  }
  return whole;
}

TEST(ToolCalls, AreFoundBesideText) {
  const Parts parts =
      parts_of(ChatFamily::kQwen3,
               "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"n\": 1.50}}\n"
               "</tool_call>\n<tool_call>\n{\"name\":\"now\"}\n</tool_call>\n");
  EXPECT_EQ(parts.text, "Let me see.");
  ASSERT_EQ(parts.calls.size(), 2u);
  EXPECT_EQ(parts.calls[0].name, "weather");
  EXPECT_EQ(parts.calls[0].arguments, "{\"city\": \"Oslo\", \"n\": 1.50}");  // as it was written
  EXPECT_EQ(parts.calls[1].name, "now");
  EXPECT_EQ(parts.calls[1].arguments, "{}");
}

TEST(ToolCalls, AreHeldBackUntilTheyAreWhole) {
  ToolCallParser parser(ChatFamily::kQwen3);
  EXPECT_EQ(parser.feed("Hi <tool").text, "Hi");
  EXPECT_EQ(parser.feed("s> there\n").text, " <tools> there");
  EXPECT_EQ(parser.feed("<tool_call>{\"name\":\"a\",").text, "");
  const Parts parts = parser.feed("\"arguments\":{}}</tool_call>");
  EXPECT_EQ(parts.text, "");
  EXPECT_EQ(parts.calls.size(), 1u);
}

TEST(ToolCalls, ThatAreNoneStayText) {
  for (const std::string_view text :
       {"a <tool_call> b", "<tool_call>{\"name\":1}</tool_call>", "<tool_call>{}</tool_call> x", "</tool_call>",
        " x \n", "<tool_call>{\"name\":\"a\",\"arguments\":[1]}</tool_call>", "<tool_call>{\"name\":\"a\"", "",
        "\n\n"}) {
    const Parts parts = parts_of(ChatFamily::kChatMl, text);
    EXPECT_EQ(parts.text, text);
    EXPECT_TRUE(parts.calls.empty()) << text;
  }
}

TEST(ToolCalls, CountWithoutTheirClosingMark) {
  const Parts parts = parts_of(ChatFamily::kChatMl, "<tool_call>\n{\"name\":\"a\",\"arguments\":\"{\\\"x\\\": 1}\"}\n");
  ASSERT_EQ(parts.calls.size(), 1u);
  EXPECT_EQ(parts.calls[0].arguments, "{\"x\": 1}");
}

TEST(ToolCalls, OfLlama3AreTheWholeText) {
  const std::string call = "{\"name\": \"now\", \"parameters\": {\"zone\": \"UTC\"}}";
  const Parts parts = parts_of(ChatFamily::kLlama3, "\n" + call, {"now"});
  ASSERT_EQ(parts.calls.size(), 1u);
  EXPECT_EQ(parts.calls[0].arguments, "{\"zone\": \"UTC\"}");
  EXPECT_EQ(parts_of(ChatFamily::kLlama3, call, {"then"}).text, call);
  EXPECT_EQ(parts_of(ChatFamily::kLlama3, "So: " + call, {"now"}).text, "So: " + call);
  EXPECT_EQ(parts_of(ChatFamily::kLlama3, "{\"a\": 1} and so on").text, "{\"a\": 1} and so on");
  EXPECT_EQ(parts_of(ChatFamily::kGemma, call).text, call);
}

TEST(ToolCalls, NamesAreChecked) {
  const std::vector<std::string> good = {R"({"type":"function","function":{"name":"get_it-2.0"}})", R"({"name":"b"})"};
  const auto names = tool_names(good);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, (std::vector<std::string>{"get_it-2.0", "b"}));
  for (const std::string bad :
       {"[]", "{}", "{", R"({"function":{"name":""}})", R"({"name":"a b"})", R"({"name":"<|im_end|>"})"}) {
    const std::vector<std::string> tools = {bad};
    EXPECT_EQ(tool_names(tools).error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(ToolCalls, JsonChangesItsWhiteSpaceOnly) {
  const std::string text = "{\"a\" :[1,2.50 , {}],\n\"b\":{ \"c\":\"x: [\\\"]\" , \"d\":[ ] } }";
  EXPECT_EQ(*restyle_json(text, JsonStyle::kOneLine),
            "{\"a\": [1, 2.50, {}], \"b\": {\"c\": \"x: [\\\"]\", \"d\": []}}");
  EXPECT_EQ(*restyle_json("{\"a\":[1,{\"b\":{}}]}", JsonStyle::kIndented),
            "{\n    \"a\": [\n        1,\n        {\n            \"b\": {}\n        }\n    ]\n}");
  EXPECT_FALSE(restyle_json("[]", JsonStyle::kOneLine).ok());
  EXPECT_EQ(member_text(text, "b"), "{ \"c\":\"x: [\\\"]\" , \"d\":[ ] }");
  EXPECT_EQ(member_text(text, "z"), "");
}

// --- prompts ---

const std::string kTool = R"({"type":"function","function":{"name":"now","parameters":{}}})";
const std::string kToolLine = R"({"type": "function", "function": {"name": "now", "parameters": {}}})";

std::string rendered(ChatFamily family, const std::vector<ChatMessage>& messages, bool tools = true) {
  ChatOptions options;
  if (tools) options.tools = {kTool};
  const auto text = render_chat(family, messages, options);
  return text.ok() ? *text : "error: " + text.error().message;
}

TEST(ToolPrompts, AreThoseOfQwen) {
  const std::string head =
      "<|im_start|>system\nBe kind.\n\n# Tools\n\nYou may call one or more functions to assist with the user "
      "query.\n\nYou are "
      "provided with function signatures within <tools></tools> XML tags:\n<tools>\n" +
      kToolLine +
      "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
      "<tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n"
      "</tool_call><|im_end|>\n<|im_start|>user\nTime?<|im_end|>\n";
  const ChatToolCall calls[] = {{"now", "{\"zone\":\"UTC\"}"}, {"now", ""}};
  const std::vector<ChatMessage> messages = {
      {"system", "Be kind."}, {"user", "Time?"}, {"assistant", "", calls}, {"tool", "12:00"}, {"tool", "13:00"}};
  const std::string call_texts =
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"zone\": \"UTC\"}}\n</tool_call>\n"
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call><|im_end|>\n";
  const std::string results =
      "<|im_start|>user\n<tool_response>\n12:00\n</tool_response>\n<tool_response>\n13:00\n"
      "</tool_response><|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(rendered(ChatFamily::kChatMl, messages), head + "<|im_start|>assistant\n" + call_texts + results);
  EXPECT_EQ(rendered(ChatFamily::kQwen3, messages),
            head + "<|im_start|>assistant\n" + call_texts + results + "<think>\n\n</think>\n\n");
  EXPECT_EQ(rendered(ChatFamily::kQwen3, {{"user", "Time?"}}).find("<|im_start|>system\n# Tools"), 0u);
}

TEST(ToolPrompts, AreThoseOfLlama3) {
  const ChatToolCall calls[] = {{"now", "{\"zone\":\"UTC\"}"}};
  const std::string text =
      rendered(ChatFamily::kLlama3, {{"user", "Time?"}, {"assistant", "", calls}, {"tool", "12:00"}});
  EXPECT_TRUE(
      text.starts_with("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\n\n"
                       "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nGiven the following functions"))
      << text;
  EXPECT_TRUE(
      text.ends_with("    }\n}\n\nTime?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{\"name\": \"now\", "
                     "\"parameters\": {\"zone\": \"UTC\"}}<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\n"
                     "\"12:00\"<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"))
      << text;
}

TEST(ToolPrompts, AreRefusedWhereTheFamilyHasNone) {
  for (const ChatFamily family : {ChatFamily::kGemma, ChatFamily::kMistral, ChatFamily::kLlama2}) {
    EXPECT_FALSE(supports_tools(family));
    const auto refused = render_chat(family, std::vector<ChatMessage>{{"user", "a"}}, {.tools = {kTool}});
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(refused.error().message.find(chat_family_name(family)), std::string::npos) << refused.error().message;
  }
  const ChatToolCall bad[] = {{"now", "[]"}};
  EXPECT_NE(rendered(ChatFamily::kQwen3, {{"user", "a"}, {"assistant", "", bad}}).find("no JSON object"),
            std::string::npos);
  EXPECT_NE(rendered(ChatFamily::kQwen3, {{"tool", "a"}}).find("'tool'"), std::string::npos);
}

}  // namespace
}  // namespace docmind::tokenizer
