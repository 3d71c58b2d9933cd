// Chats with the recorded servers, over real sockets.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/json.h"
#include "providers/upstream.h"
#include "support/upstream_setup.h"

namespace docmind::providers {
namespace {

using namespace docmind::test;

const std::vector<std::string> kPieces = {"Fünf", " Tage", " – \"so\"\n", "\xF0\x9F\x8D\x8E [1]."};
const std::string kWhole = "Fünf Tage – \"so\"\n\xF0\x9F\x8D\x8E [1].";

json::value body_of(const ScriptedServer& server, const std::string& path, size_t n = 0) {
  const std::vector<ScriptedRequest> requests = server.requests(path);
  EXPECT_GT(requests.size(), n);
  if (requests.size() <= n) return {};
  EXPECT_EQ(requests[n].method, "POST");
  EXPECT_EQ(requests[n].headers.count("expect"), 0U);
  EXPECT_EQ(requests[n].headers.at("content-type"), "application/json");
  return parse_json(requests[n].body, 16, 1 << 24).value();
}

TEST(UpstreamChat, LlamaCppStreams) {
  ScriptedServer server;
  act_as_llama_cpp(server, {}, kPieces);
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server.url()));
  const Said said = chat(*upstream);
  ASSERT_TRUE(said.result.ok()) << said.message();
  EXPECT_EQ(said.text, kWhole);
  EXPECT_EQ(said.result->finish_reason, "stop");
  EXPECT_EQ(said.result->n_prompt_tokens, 4'000);
  EXPECT_EQ(said.result->n_completion_tokens, 4);
  const json::value body = body_of(server, "/v1/chat/completions");
  EXPECT_EQ(body.at("model"), "qwen3:0.6b");
  EXPECT_EQ(body.at("messages").at(0).at("content"), "Be brief.");
  EXPECT_EQ(body.at("messages").at(1).at("role"), "user");
  EXPECT_EQ(body.at("max_tokens"), 64);
  EXPECT_TRUE(body.at("stream_options").at("include_usage").as_bool());
  EXPECT_FALSE(body.at("chat_template_kwargs").at("enable_thinking").as_bool());
  EXPECT_FALSE(body.as_object().contains("top_k")) << "at temperature 0 nothing is drawn";
}

TEST(UpstreamChat, VllmStreamsAndGetsItsSamplers) {
  ScriptedServer server;
  act_as_vllm(server, {}, kPieces);
  UpstreamOptions options = upstream_options(UpstreamKind::kVllm, server.url());
  options.temperature = 0.5;
  options.top_k = 17;
  options.seed = 7;
  const auto upstream = open_upstream(options);
  const Said said = chat(*upstream);
  ASSERT_TRUE(said.result.ok()) << said.message();
  EXPECT_EQ(said.text, kWhole);
  const json::value body = body_of(server, "/v1/chat/completions");
  EXPECT_EQ(body.at("top_k"), 17);
  EXPECT_EQ(body.at("seed"), 7);
  EXPECT_EQ(body.at("temperature"), 0.5);
}

TEST(UpstreamChat, LmStudioGetsNoFieldsItDoesNotKnow) {
  ScriptedServer server;
  act_as_lm_studio(server, {}, kPieces);
  UpstreamOptions options = upstream_options(UpstreamKind::kOpenAi, server.url());
  options.spec.lm_studio = true;
  const auto upstream = open_upstream(options);
  EXPECT_EQ(chat(*upstream).text, kWhole);
  EXPECT_FALSE(body_of(server, "/v1/chat/completions").as_object().contains("chat_template_kwargs"));
}

TEST(UpstreamChat, OllamaStreamsAndIsAskedForItsContext) {
  ScriptedServer server;
  act_as_ollama(server, {}, kPieces);
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kOllama, server.url()));
  const Said said = chat(*upstream);
  ASSERT_TRUE(said.result.ok()) << said.message();
  EXPECT_EQ(said.text, kWhole);
  EXPECT_EQ(said.result->n_completion_tokens, 4);
  const json::value body = body_of(server, "/api/chat");
  EXPECT_EQ(body.at("options").at("num_ctx"), 4'096);
  EXPECT_EQ(body.at("options").at("num_predict"), 64);
  EXPECT_FALSE(body.at("truncate").as_bool());
  EXPECT_FALSE(body.at("shift").as_bool());
  EXPECT_FALSE(body.at("think").as_bool());
}

TEST(UpstreamChat, OllamaContextGrowsWithTheNeedAndNeverShrinks) {
  ScriptedServer server;
  act_as_ollama(server, {.n_context = 20'000, .n_prompt_tokens = 19'000}, kPieces);
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kOllama, server.url()));
  std::string words;
  for (int i = 0; i < 3'000; ++i) words += "word ";
  EXPECT_TRUE(chat(*upstream, {.system = "", .user = words, .max_tokens = 100}).result.ok());
  EXPECT_TRUE(chat(*upstream).result.ok());
  for (int i = 0; i < 6'000; ++i) words += "word ";
  EXPECT_TRUE(chat(*upstream, {.system = "", .user = words, .max_tokens = 100}).result.ok());
  EXPECT_EQ(body_of(server, "/api/chat", 0).at("options").at("num_ctx"), 8'192);
  EXPECT_EQ(body_of(server, "/api/chat", 1).at("options").at("num_ctx"), 8'192);
  EXPECT_EQ(body_of(server, "/api/chat", 2).at("options").at("num_ctx"), 20'000) << "the model's own limit";
}

TEST(UpstreamChat, ThoughtsAreDroppedAndCountAsABeginning) {
  ScriptedServer server;
  act_as_vllm(server, {}, {});
  server.on("/v1/chat/completions",
            answer_with(200,
                        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
                        "data: {\"choices\":[{\"delta\":{\"content\":\"yes\"},\"finish_reason\":\"length\"}]}\n\n"
                        "data: [DONE]\n\n",
                        "text/event-stream"));
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kVllm, server.url()));
  const Said said = chat(*upstream);
  ASSERT_TRUE(said.result.ok()) << said.message();
  EXPECT_EQ(said.text, "yes");
  EXPECT_EQ(said.result->finish_reason, "length");
}

TEST(UpstreamChat, AnObjectInsteadOfAStreamIsUnderstood) {
  ScriptedServer server;
  act_as_vllm(server, {}, {});
  server.on("/v1/chat/completions",
            answer_with(200, R"({"choices":[{"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}],
                                "usage":{"prompt_tokens":30,"completion_tokens":1}})"));
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kVllm, server.url()));
  EXPECT_EQ(chat(*upstream).text, "whole");
}

TEST(UpstreamChat, ConnectionsAreKeptAndUsedAgain) {
  ScriptedServer server;
  act_as_llama_cpp(server, {}, kPieces);
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server.url()));
  for (int i = 0; i < 10; ++i) ASSERT_EQ(chat(*upstream).text, kWhole);
  EXPECT_EQ(server.n_connections(), 1);
  EXPECT_EQ(upstream->counts().n_connections_made, 1);
  EXPECT_EQ(upstream->counts().n_in_flight, 0);
}

TEST(UpstreamChat, AKeyIsSentAsABearerTokenAndNotWithoutOne) {
  ScriptedServer server;
  act_as_llama_cpp(server, {}, kPieces);
  UpstreamOptions options = upstream_options(UpstreamKind::kLlamaCpp, server.url());
  ASSERT_TRUE(chat(*open_upstream(options)).result.ok());
  options.api_key = "sk-secret-1";
  ASSERT_TRUE(chat(*open_upstream(options)).result.ok());
  const auto requests = server.requests("/v1/chat/completions");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].headers.count("authorization"), 0U);
  EXPECT_EQ(requests[1].headers.at("authorization"), "Bearer sk-secret-1");
}

TEST(UpstreamChat, ASinkThatWantsNoMoreClosesTheConnection) {
  ScriptedServer server;
  act_as_llama_cpp(server, {}, {});
  server.on("/v1/chat/completions", [](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head("text/event-stream") +
              chunk_of("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n"));
    if (wire.wait_for_close()) wire.close();
  });
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server.url()));
  const auto result = upstream->chat(kShortChat, [](std::string_view) { return false; }, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(server.wait_for_closed(1));
  EXPECT_EQ(upstream->counts().n_failures, 0);
}

}  // namespace
}  // namespace docmind::providers
