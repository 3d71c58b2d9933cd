// ChatRequest and CompletionRequest: every field, and every refusal with the field's name.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "server/chat_request.h"
#include "server/completion_request.h"

namespace docmind::server {
namespace {

constexpr int64_t kMost = 1'000;

std::string chat_body(std::string_view fields) {
  return R"({"messages":[{"role":"user","content":"Hi"}])" + std::string(fields.empty() ? "" : ",") +
         std::string(fields) + "}";
}

ChatRequest chat_of(std::string_view fields) {
  ApiError error;
  auto request = parse_chat_request(chat_body(fields), kMost, error);
  EXPECT_TRUE(request) << error.message;
  return request.value_or(ChatRequest{});
}

// The field that a body is refused for.
std::string refused(const std::string& body) {
  ApiError error;
  if (parse_chat_request(body, kMost, error)) return "nothing";
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.type, "invalid_request_error");
  EXPECT_FALSE(error.message.empty());
  return error.param;
}

TEST(ChatRequest, ReadsSampling) {
  const ChatRequest request = chat_of(
      R"("model":"m","temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,"presence_penalty":1,"frequency_penalty":-1,
         "repetition_penalty":1.2,"seed":-3,"n":4,"stop":["a","","b"],"max_tokens":7,"logit_bias":{"5":-100,"6":1.5},
         "logprobs":true,"top_logprobs":3,"stream":true,"stream_options":{"include_usage":true},"user":"me","store":false)");
  const engine::GenerateOptions& options = request.generation.options;
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(options.sampling.temperature, 0.5);
  EXPECT_EQ(options.sampling.top_p, 0.9);
  EXPECT_EQ(options.sampling.top_k, 40u);
  EXPECT_EQ(options.sampling.min_p, 0.1);
  EXPECT_EQ(options.sampling.presence_penalty, 1);
  EXPECT_EQ(options.sampling.frequency_penalty, -1);
  EXPECT_EQ(options.sampling.repetition_penalty, 1.2);
  EXPECT_EQ(options.sampling.seed, static_cast<uint64_t>(-3));
  EXPECT_EQ(options.sampling.n_top_logprobs, 3u);
  ASSERT_EQ(options.sampling.biases.size(), 2u);
  EXPECT_EQ(options.sampling.biases[0].token, 5);
  EXPECT_EQ(options.sampling.biases[0].bias, -100);
  EXPECT_EQ(options.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.max_tokens, 7);
  EXPECT_EQ(request.generation.n, 4);
  EXPECT_TRUE(request.generation.stream && request.generation.include_usage);
}

TEST(ChatRequest, HasOpenAisDefaults) {
  const ChatRequest request = chat_of("");
  EXPECT_EQ(request.generation.options.sampling.temperature, 1);
  EXPECT_EQ(request.generation.options.max_tokens, kMost);
  EXPECT_FALSE(request.generation.options.sampling.n_top_logprobs);
  EXPECT_FALSE(request.generation.stream);
  EXPECT_EQ(chat_of(R"("max_completion_tokens":5)").generation.options.max_tokens, 5);
  EXPECT_EQ(chat_of(R"("max_tokens":5000)").generation.options.max_tokens, kMost);
  EXPECT_NE(chat_of("").generation.options.sampling.seed, chat_of("").generation.options.sampling.seed);
}

TEST(ChatRequest, ReadsTurns) {
  ApiError error;
  const auto request = parse_chat_request(R"({"messages":[
      {"role":"developer","content":"Be brief."},
      {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"x"},
      {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"21"},
      {"role":"assistant","content":"It is 21.","reasoning_content":"hm"},
      {"role":"function","name":"g","content":"3"}]})",
                                          kMost, error);
  ASSERT_TRUE(request) << error.message;
  ASSERT_EQ(request->turns.size(), 6u);
  EXPECT_EQ(request->turns[0].role, "system");
  EXPECT_EQ(request->turns[1].content, "a\nb");
  ASSERT_EQ(request->turns[2].tool_calls.size(), 1u);
  EXPECT_EQ(request->turns[2].tool_calls[0].arguments, "{\"a\":1}");
  EXPECT_EQ(request->turns[3].tool_name, "f");
  EXPECT_EQ(request->turns[4].thought, "hm");
  EXPECT_EQ(request->turns[5].role, "tool");
}

TEST(ChatRequest, ReadsToolsFormatsAndThinking) {
  const ChatRequest request = chat_of(
      R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
         "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"reasoning_effort":"high")");
  ASSERT_EQ(request.tools.size(), 1u);
  EXPECT_EQ(request.tools[0].description, "d");
  EXPECT_EQ(request.tool_choice, ToolChoice::kNamed);
  EXPECT_EQ(request.tool_name, "f");
  EXPECT_FALSE(request.parallel_tool_calls);
  EXPECT_EQ(request.thinking, true);
  EXPECT_EQ(chat_of(R"("chat_template_kwargs":{"enable_thinking":false})").thinking, false);
  EXPECT_EQ(chat_of(R"("response_format":{"type":"json_object"})").format, OutputFormat::kJsonObject);
  EXPECT_EQ(chat_of(R"("response_format":{"type":"text"})").format, OutputFormat::kText);
  const ChatRequest shaped =
      chat_of(R"("response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}})");
  EXPECT_EQ(shaped.format, OutputFormat::kJsonSchema);
  EXPECT_TRUE(shaped.schema.is_object());
}

TEST(ChatRequest, RefusesWithTheFieldsName) {
  EXPECT_EQ(refused("{}"), "messages");
  EXPECT_EQ(refused(R"({"messages":[]})"), "messages");
  EXPECT_EQ(refused(R"({"messages":"x"})"), "messages");
  EXPECT_EQ(refused(R"({"messages":["x"]})"), "messages[0]");
  EXPECT_EQ(refused(R"({"messages":[{"role":"robot","content":"x"}]})"), "messages[0].role");
  EXPECT_EQ(refused(R"({"messages":[{"role":"user"}]})"), "messages[0].content");
  EXPECT_EQ(refused(R"({"messages":[{"role":"user","content":7}]})"), "messages[0].content");
  EXPECT_EQ(refused(R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]})"),
            "messages[0].content[0]");
  EXPECT_EQ(refused(R"({"messages":[{"role":"assistant","tool_calls":[{"id":"x"}]}]})"),
            "messages[0].tool_calls[0].function");
  const std::pair<const char*, const char*> cases[] = {
      {R"("temperature":"hot")", "temperature"},
      {R"("temperature":2.5)", "temperature"},
      {R"("top_p":-0.1)", "top_p"},
      {R"("max_tokens":0)", "max_tokens"},
      {R"("max_tokens":-1)", "max_tokens"},
      {R"("n":0)", "n"},
      {R"("n":1000)", "n"},
      {R"("stop":[1])", "stop[0]"},
      {R"("logit_bias":{"x":1})", "logit_bias"},
      {R"("logit_bias":{"-1":1})", "logit_bias"},
      {R"("logit_bias":{"1":101})", "logit_bias"},
      {R"("top_logprobs":3)", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
      {R"("logprobs":5)", "logprobs"},
      {R"("stream":"yes")", "stream"},
      {R"("stream_options":{"include_usage":1})", "stream_options.include_usage"},
      {R"("response_format":{"type":"xml"})", "response_format.type"},
      {R"("response_format":{"type":"json_schema"})", "response_format.json_schema.schema"},
      {R"("tools":[{}])", "tools[0]"},
      {R"("tools":[{"function":{}}])", "tools[0].function.name"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":"maybe")", "tool_choice"},
      {R"("functions":[])", "functions"},
      {R"("reasoning_effort":"very")", "reasoning_effort"},
      {R"("model":3)", "model"},
      {R"("seed":1.5)", "seed"},
      {R"("collection":[])", "collection"}};
  for (const auto& [fields, param] : cases) EXPECT_EQ(refused(chat_body(fields)), param) << fields;
}

std::string refused_completion(std::string_view body) {
  ApiError error;
  if (parse_completion_request(body, kMost, error)) return "nothing";
  EXPECT_EQ(error.status, 400);
  return error.param;
}

TEST(CompletionRequest, ReadsPromptsAndRefusesWhatIsNotOffered) {
  ApiError error;
  const auto request =
      parse_completion_request(R"({"prompt":["a","b"],"n":2,"echo":true,"best_of":2,"suffix":""})", kMost, error);
  ASSERT_TRUE(request) << error.message;
  EXPECT_EQ(request->prompts, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request->echo);
  EXPECT_EQ(request->generation.options.max_tokens, 16);
  EXPECT_EQ(parse_completion_request(R"({"prompt":"a","logprobs":2})", kMost, error)
                ->generation.options.sampling.n_top_logprobs,
            2u);
  EXPECT_EQ(refused_completion("{}"), "prompt");
  EXPECT_EQ(refused_completion(R"({"prompt":[]})"), "prompt");
  EXPECT_EQ(refused_completion(R"({"prompt":[1,2]})"), "prompt");
  EXPECT_EQ(refused_completion(R"({"prompt":[[1,2]]})"), "prompt");
  EXPECT_EQ(refused_completion(R"({"prompt":"a","suffix":"b"})"), "suffix");
  EXPECT_EQ(refused_completion(R"({"prompt":"a","best_of":3})"), "best_of");
  EXPECT_EQ(refused_completion(R"({"prompt":"a","echo":true,"logprobs":1})"), "logprobs");
  EXPECT_EQ(refused_completion(R"({"prompt":["a","b"],"n":100})"), "n");
}

}  // namespace
}  // namespace docmind::server
