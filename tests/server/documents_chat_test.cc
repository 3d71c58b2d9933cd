// Chats over a collection: whom they reach, what is told beside the text, what fails and how.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "server/dialect_bed.h"

namespace docmind::server::test {
namespace {

constexpr const char* kText = "The pump weighs \"40\" kg. [1]";

json::object question(std::string_view text) {
  return {{"model", "docmind"}, {"messages", json::array{json::object{{"role", "user"}, {"content", text}}}}};
}

TEST(DocumentsChat, AnswersWithCitationsBesideTheText) {
  DialectBed bed{pipeline::Models{}};
  const Reply reply = bed.post("/v1/chat/completions", question("How heavy?"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value answer = reply.json();
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content"), kText);
  EXPECT_EQ(answer.at("docmind").at("collection"), "default");
  EXPECT_EQ(answer.at("docmind").at("citations").as_array().size(), 1u);
  EXPECT_EQ(answer.at("usage").at("prompt_tokens").as_int64(), 11);
  EXPECT_EQ(reply.header("x-docmind-cache"), "miss");
  EXPECT_EQ(reply.header("x-docmind-trace"), "rerank=0.50;total=2.00");
  EXPECT_EQ(bed.post("/v1/chat/completions", question("again")).header("x-docmind-cache"), "memory");
}

TEST(DocumentsChat, StreamsTheSame) {
  DialectBed bed{pipeline::Models{}};
  for (const char* text : {"How heavy?", "again"}) {
    json::object body = question(text);
    body["stream"] = true;
    body["stream_options"] = json::object{{"include_usage", true}};
    const Reply reply = bed.post("/v1/chat/completions", body);
    std::string streamed;
    json::value extension;
    for (const json::object& event : reply.events()) {
      if (!event.at("choices").as_array().empty()) {
        streamed += text_at(event.at("choices").at(0).at("delta").as_object(), "content");
      }
      if (const json::value* found = event.if_contains("docmind")) extension = *found;
    }
    EXPECT_EQ(streamed, kText);
    EXPECT_TRUE(extension.at("citations").is_array());
    EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  }
}

TEST(DocumentsChat, FindsTheCollectionByFieldOrName) {
  DialectBed bed{pipeline::Models{}};
  json::object body = question("x");
  body["model"] = "docmind/manuals:latest";
  EXPECT_EQ(bed.post("/v1/chat/completions", body).json().at("docmind").at("collection"), "manuals");
  body["model"] = "docmind";
  body["collection"] = "manuals";
  EXPECT_EQ(bed.post("/v1/chat/completions", body).json().at("docmind").at("collection"), "manuals");
  body["collection"] = "nowhere";
  const Reply reply = bed.post("/v1/chat/completions", body);
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(text_at(error_of(reply), "param"), "collection");
}

TEST(DocumentsChat, EarlierTurnsAreAnotherSession) {
  DialectBed bed{pipeline::Models{}};
  auto& asked = bed.service.documents("default").asked;
  const auto ask = [&](const char* messages) {
    bed.post("/v1/chat/completions",
             json::object{{"model", "docmind"}, {"messages", json::parse(messages)}, {"max_tokens", 9}});
    return asked.back().session;
  };
  EXPECT_EQ(ask(R"([{"role":"system","content":"Be kind."},{"role":"user","content":"It?"}])"), "");
  const std::string first = ask(
      R"([{"role":"user","content":"The pump"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"It?"}])");
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(
      first,
      ask(R"([{"role":"user","content":"The pump"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"Its?"}])"));
  EXPECT_NE(
      first,
      ask(R"([{"role":"user","content":"The boiler"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"It?"}])"));
  EXPECT_EQ(asked.back().max_tokens, 9);
}

TEST(DocumentsChat, RefusesWhatItCannotDo) {
  DialectBed bed{pipeline::Models{}};
  for (const auto& [name, value] : std::vector<std::pair<std::string, json::value>>{
           {"n", 2}, {"stop", "x"}, {"logprobs", true}, {"response_format", json::object{{"type", "json_object"}}}}) {
    json::object body = question("x");
    body[name] = value;
    const Reply reply = bed.post("/v1/chat/completions", body);
    EXPECT_EQ(reply.status, 400) << name;
    EXPECT_EQ(text_at(error_of(reply), "param"), name);
  }
  EXPECT_EQ(bed.post("/v1/chat/completions", question("  ")).status, 400);
}

TEST(DocumentsChat, FailuresHaveAStatusOrEndTheStream) {
  DialectBed bed{pipeline::Models{}};
  EXPECT_EQ(bed.post("/v1/chat/completions", question("fail")).status, 500);
  json::object body = question("fail");
  body["stream"] = true;
  const Reply early = bed.post("/v1/chat/completions", body);
  EXPECT_FALSE(early.streamed) << "nothing was sent yet, so it has a status";
  EXPECT_EQ(early.status, 500);
  body["messages"] = json::array{json::object{{"role", "user"}, {"content", "break"}}};
  const Reply late = bed.post("/v1/chat/completions", body);
  EXPECT_TRUE(late.streamed);
  EXPECT_TRUE(late.events().back().contains("error")) << late.body;
  EXPECT_EQ(late.body.find("[DONE]"), std::string::npos);
  bed.service.is_full = true;
  const Reply full = bed.post("/v1/chat/completions", question("x"));
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.header("retry-after"), "3");
}

}  // namespace
}  // namespace docmind::server::test
