// Chats and completions in OpenAI's form over a small random model: whole, streamed, several, cut off.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/text.h"
#include "server/dialect_bed.h"

namespace docmind::server::test {
namespace {

json::object chat_body(int64_t n_tokens = 8) {
  return {{"model", "nano"},
          {"messages", json::array{json::object{{"role", "user"}, {"content", "Hi"}}}},
          {"max_tokens", n_tokens},
          {"seed", 7}};
}

std::string content_of(const Reply& reply, size_t choice = 0) {
  return text_at(reply.json().at("choices").at(choice).at("message").as_object(), "content");
}

// The deltas' texts of one choice.
std::string streamed_text(const Reply& reply, int64_t choice = 0) {
  std::string text;
  for (const json::object& event : reply.events()) {
    for (const json::value& one : event.at("choices").as_array()) {
      if (one.at("index").as_int64() == choice) text += text_at(one.at("delta").as_object(), "content");
    }
  }
  return text;
}

TEST(OpenAiChat, AnswersWithCountsAndATrace) {
  DialectBed bed;
  const Reply reply = bed.post("/v1/chat/completions", chat_body());
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::object answer = reply.json().as_object();
  EXPECT_EQ(text_at(answer, "object"), "chat.completion");
  EXPECT_EQ(text_at(answer, "model"), "nano");
  EXPECT_TRUE(text_at(answer, "id").starts_with("chatcmpl-"));
  EXPECT_FALSE(content_of(reply).empty());
  const json::object& usage = answer.at("usage").as_object();
  EXPECT_EQ(usage.at("total_tokens").as_int64(),
            usage.at("prompt_tokens").as_int64() + usage.at("completion_tokens").as_int64());
  EXPECT_LE(usage.at("completion_tokens").as_int64(), 8);
  EXPECT_TRUE(usage.at("prompt_tokens_details").as_object().contains("cached_tokens"));
  EXPECT_NE(reply.header("x-docmind-trace").find("prefill="), std::string::npos);
  EXPECT_GT(bed.service.metrics().value(monitor::Counter::kTokensGenerated), 0u);
  EXPECT_EQ(bed.service.metrics().summary(monitor::Stage::kFirstToken).count, 1u);
}

TEST(OpenAiChat, StreamsTheSameTextByteByByte) {
  DialectBed bed;
  json::object body = chat_body();
  const std::string whole = content_of(bed.post("/v1/chat/completions", body));
  body["stream"] = true;
  const Reply plain = bed.post("/v1/chat/completions", body);
  EXPECT_TRUE(plain.streamed);
  EXPECT_TRUE(plain.content_type.starts_with("text/event-stream"));
  EXPECT_TRUE(plain.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(streamed_text(plain), whole);
  EXPECT_EQ(text_at(plain.events().front().at("choices").at(0).at("delta").as_object(), "role"), "assistant");
  EXPECT_FALSE(plain.events().front().contains("usage"));
  body["stream_options"] = json::object{{"include_usage", true}};
  const std::vector<json::object> counted = bed.post("/v1/chat/completions", body).events();
  EXPECT_TRUE(counted.front().at("usage").is_null());
  EXPECT_TRUE(counted.back().at("choices").as_array().empty());
  EXPECT_GT(counted.back().at("usage").at("completion_tokens").as_int64(), 0);
  EXPECT_FALSE(text_at(counted[counted.size() - 2].at("choices").at(0).as_object(), "finish_reason").empty());
}

TEST(OpenAiChat, MakesSeveralTextsOfOnePrompt) {
  DialectBed bed;
  json::object body = chat_body(12);
  body["n"] = 3;
  const Reply whole = bed.post("/v1/chat/completions", body);
  ASSERT_EQ(whole.json().at("choices").as_array().size(), 3u) << whole.body;
  const int64_t n_prompt = whole.json().at("usage").at("prompt_tokens").as_int64();
  EXPECT_NE(content_of(whole, 0), content_of(whole, 1));
  body["stream"] = true;
  const Reply streamed = bed.post("/v1/chat/completions", body);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(streamed_text(streamed, static_cast<int64_t>(i)), content_of(whole, i));
  const Reply one = bed.post("/v1/chat/completions", chat_body(12));
  EXPECT_EQ(one.json().at("usage").at("prompt_tokens").as_int64(), n_prompt) << "the prompt counts once";
  EXPECT_EQ(content_of(one), content_of(whole, 0)) << "the first has the seed itself";
}

TEST(OpenAiChat, LogprobsAreThoseOfTheText) {
  DialectBed bed;
  json::object body = chat_body();
  body["logprobs"] = true;
  body["top_logprobs"] = 2;
  const Reply reply = bed.post("/v1/chat/completions", body);
  const json::array tokens = reply.json().at("choices").at(0).at("logprobs").at("content").as_array();
  ASSERT_EQ(static_cast<int64_t>(tokens.size()), reply.json().at("usage").at("completion_tokens").as_int64());
  std::string bytes;
  for (const json::value& token : tokens) {
    EXPECT_EQ(token.at("top_logprobs").as_array().size(), 2u);
    EXPECT_LE(token.at("logprob").to_number<double>(), 0);
    for (const json::value& byte : token.at("bytes").as_array()) bytes += static_cast<char>(byte.as_int64());
  }
  EXPECT_EQ(to_valid_utf8(bytes), content_of(reply));
  body["stream"] = true;
  std::vector<json::value> streamed;
  for (const json::object& event : bed.post("/v1/chat/completions", body).events()) {
    const json::value& logprobs = event.at("choices").at(0).at("logprobs");
    if (logprobs.is_null()) continue;
    for (const json::value& token : logprobs.at("content").as_array()) streamed.push_back(token);
  }
  EXPECT_EQ(json::array(streamed.begin(), streamed.end()), tokens);
}

TEST(OpenAiChat, HoldsToASchema) {
  DialectBed bed;
  json::object body = chat_body(200);
  body["response_format"] = json::parse(R"({"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object",
      "required":["size"],"additionalProperties":false,"properties":{"size":{"type":"integer","minimum":0,"maximum":9}}}}})");
  const Reply reply = bed.post("/v1/chat/completions", body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value made = json::parse(content_of(reply));
  EXPECT_TRUE(made.at("size").is_int64());
  body["response_format"] = json::parse(
      R"({"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","unevaluatedProperties":false}}})");
  const Reply refused = bed.post("/v1/chat/completions", body);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(text_at(error_of(refused), "param"), "response_format");
}

TEST(OpenAiChat, CallsAToolThatItMustCall) {
  DialectBed bed;
  json::object body = chat_body(200);
  body["tools"] = json::parse(R"([{"type":"function","function":{"name":"weather","parameters":{"type":"object",
      "required":["unit"],"additionalProperties":false,"properties":{"unit":{"enum":["C","F"]}}}}}])");
  body["tool_choice"] = json::parse(R"({"type":"function","function":{"name":"weather"}})");
  const Reply reply = bed.post("/v1/chat/completions", body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value choice = reply.json().at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
  EXPECT_TRUE(choice.at("message").at("content").is_null());
  const json::value call = choice.at("message").at("tool_calls").at(0);
  EXPECT_EQ(call.at("function").at("name"), "weather");
  const std::string unit = text_at(json::parse(call.at("function").at("arguments").as_string()).as_object(), "unit");
  EXPECT_TRUE(unit == "C" || unit == "F");
  body["stream"] = true;
  std::string arguments;
  std::string finish;
  for (const json::object& event : bed.post("/v1/chat/completions", body).events()) {
    const json::value& one = event.at("choices").at(0);
    if (!one.at("finish_reason").is_null()) finish = one.at("finish_reason").as_string();
    if (const json::value* calls = one.at("delta").as_object().if_contains("tool_calls")) {
      EXPECT_EQ(calls->at(0).at("index").as_int64(), 0);
      arguments += calls->at(0).at("function").at("arguments").as_string();
    }
  }
  EXPECT_EQ(finish, "tool_calls");
  EXPECT_EQ(arguments, std::string(call.at("function").at("arguments").as_string()));
}

TEST(OpenAiChat, RefusesWithStatusCodeAndNumbers) {
  DialectBed bed;
  json::object body = chat_body();
  body["model"] = "gpt-4o";
  const Reply unknown = bed.post("/v1/chat/completions", body);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(text_at(error_of(unknown), "code"), "model_not_found");
  EXPECT_NE(text_at(error_of(unknown), "message").find("'nano'"), std::string::npos);
  body["model"] = "nano-embed";
  EXPECT_EQ(bed.post("/v1/chat/completions", body).status, 400);

  body = chat_body();
  std::string words;
  for (int i = 0; i < 2'500; ++i) words += "word ";
  body["messages"] = json::array{json::object{{"role", "user"}, {"content", words}}};
  const Reply over = bed.post("/v1/chat/completions", body);
  EXPECT_EQ(over.status, 400);
  const json::object error = error_of(over);
  EXPECT_EQ(text_at(error, "code"), "context_length_exceeded");
  EXPECT_NE(text_at(error, "message").find("context_length_exceeded"), std::string::npos);
  EXPECT_EQ(error.at("n_ctx").as_int64(), 2'048);
  EXPECT_GT(error.at("n_prompt_tokens").as_int64(), 2'048);

  body = chat_body();
  body["logit_bias"] = json::object{{"99999", 1}};
  EXPECT_EQ(text_at(error_of(bed.post("/v1/chat/completions", body)), "param"), "logit_bias");
  EXPECT_EQ(bed.post("/v1/chat/completions", chat_body(), {{"x-docmind-timeout-ms", "soon"}}).status, 400);
  EXPECT_EQ(bed.call("POST", "/v1/chat/completions", "{").status, 400);
}

TEST(OpenAiChat, EndsWhenTheClientLeaves) {
  DialectBed bed;
  json::object body = chat_body(400);
  body["stream"] = true;
  const auto exchange = bed.start("POST", "/v1/chat/completions", json::serialize(body));
  ASSERT_GT(exchange->wait_for_text("assistant").status, 0);
  exchange->leave();
  EXPECT_EQ(exchange->wait().body.find("[DONE]"), std::string::npos);
  EXPECT_GT(bed.service.metrics().value(monitor::Counter::kRequestsCancelled), 0u);
}

TEST(OpenAiChat, ATextEndsWhereItsTimeIsOver) {
  DialectBed bed;
  const Reply reply = bed.post("/v1/chat/completions", chat_body(400), {{"x-docmind-timeout-ms", "1"}});
  if (reply.status == 200) {
    EXPECT_EQ(reply.json().at("docmind").at("finish_reason"), "deadline");
  } else {
    EXPECT_EQ(reply.status, 504);
    EXPECT_EQ(text_at(error_of(reply), "code"), "deadline_exceeded");
  }
}

TEST(OpenAiCompletions, ContinueEchoAndSeveralPrompts) {
  DialectBed bed;
  json::object body{{"prompt", "Once"}, {"max_tokens", 6}, {"seed", 1}, {"echo", true}};
  const Reply echoed = bed.post("/v1/completions", body);
  ASSERT_EQ(echoed.status, 200) << echoed.body;
  EXPECT_TRUE(text_at(echoed.json().at("choices").at(0).as_object(), "text").starts_with("Once"));
  body["stream"] = true;
  std::string text;
  for (const json::object& event : bed.post("/v1/completions", body).events()) {
    EXPECT_EQ(text_at(event, "object"), "text_completion");
    text += text_at(event.at("choices").at(0).as_object(), "text");
  }
  EXPECT_EQ(text, text_at(echoed.json().at("choices").at(0).as_object(), "text"));
  body = {{"prompt", json::array{"One", "Two"}}, {"n", 2}, {"max_tokens", 3}, {"logprobs", 1}};
  const Reply several = bed.post("/v1/completions", body);
  const json::array choices = several.json().at("choices").as_array();
  ASSERT_EQ(choices.size(), 4u);
  EXPECT_EQ(choices[3].at("index").as_int64(), 3);
  const json::value& logprobs = choices[0].at("logprobs");
  EXPECT_EQ(logprobs.at("text_offset").at(0).as_int64(), 0);
  EXPECT_EQ(logprobs.at("tokens").as_array().size(), logprobs.at("top_logprobs").as_array().size());
}

TEST(OpenAiModels, ListsAndFindsThem) {
  DialectBed bed;
  const json::value list = bed.call("GET", "/v1/models").json();
  std::vector<std::string> ids;
  for (const json::value& model : list.at("data").as_array()) ids.emplace_back(model.at("id").as_string());
  EXPECT_EQ(ids, (std::vector<std::string>{"nano", "nano-embed", "nano-rerank", "docmind", "docmind/manuals"}));
  EXPECT_EQ(bed.call("GET", "/v1/models/nano").json().at("id"), "nano");
  EXPECT_EQ(bed.call("GET", "/v1/models/docmind/manuals").json().at("id"), "docmind/manuals");
  EXPECT_EQ(bed.call("GET", "/v1/models/nowhere").status, 404);
}

TEST(OpenAiChat, SaysWhatIsMissingWithoutALanguageModel) {
  DialectBed bed{pipeline::Models{}};
  EXPECT_EQ(bed.post("/v1/completions", json::object{{"prompt", "x"}}).status, 404);
  json::object body = chat_body();
  body.erase("model");
  EXPECT_EQ(bed.post("/v1/chat/completions", body).json().at("model"), "docmind");
}

}  // namespace
}  // namespace docmind::server::test
