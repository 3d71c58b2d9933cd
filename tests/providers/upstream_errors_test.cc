// What servers say when they cannot or will not: the code, the sentence and what to do about it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "providers/http_url.h"
#include "providers/upstream.h"
#include "support/docmind.h"
#include "support/upstream_setup.h"

namespace docmind::providers {
namespace {

using namespace docmind::test;

// A chat whose route answers so, with everything else in order.
Said chat_answered(UpstreamKind kind, Script script, std::string key = {}) {
  ScriptedServer server;
  kind == UpstreamKind::kOllama ? act_as_ollama(server, {}, {}) : act_as_llama_cpp(server, {}, {});
  server.on(kind == UpstreamKind::kOllama ? "/api/chat" : "/v1/chat/completions", std::move(script));
  UpstreamOptions options = upstream_options(kind, server.url());
  options.api_key = std::move(key);
  return chat(*open_upstream(options));
}

void expect_error(const Said& said, ErrorCode code, std::initializer_list<std::string_view> parts) {
  ASSERT_FALSE(said.result.ok());
  EXPECT_EQ(said.result.error().code, code) << said.message();
  EXPECT_TRUE(contains(said.message(), "at http://127.0.0.1:")) << said.message();
  for (const std::string_view part : parts) EXPECT_TRUE(contains(said.message(), part)) << said.message();
}

TEST(UpstreamErrors, TheKeyIsRefusedAndNotRepeated) {
  const Script refuse = answer_with(
      401, R"({"error":{"message":"Incorrect API key provided: sk-very-secret.","type":"invalid_request_error"}})");
  const Said said = chat_answered(UpstreamKind::kLlamaCpp, refuse, "sk-very-secret");
  expect_error(said, ErrorCode::kPermission, {"refused the key", "401", "Incorrect API key"});
  EXPECT_FALSE(contains(said.message(), "secret"));
  expect_error(chat_answered(UpstreamKind::kLlamaCpp, refuse), ErrorCode::kPermission,
               {"wants a key", "upstream.key_file"});
}

TEST(UpstreamErrors, AModelThatIsNotThere) {
  expect_error(chat_answered(UpstreamKind::kOllama, answer_with(404, R"({"error":"model 'qwen3:0.6b' not found"})")),
               ErrorCode::kNotFound, {"Ollama at", "no model 'qwen3:0.6b'", "ollama pull qwen3:0.6b"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp, answer_with(404, "404 page not found", "text/plain")),
               ErrorCode::kNotFound, {"does not know the request", "without /v1"});
}

TEST(UpstreamErrors, BusyAndLoading) {
  expect_error(chat_answered(UpstreamKind::kLlamaCpp,
                             answer_with(503, R"({"error":{"code":503,"message":"Loading model",)"
                                              R"("type":"unavailable_error"}})")),
               ErrorCode::kBusy, {"still loading its model", "503"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp,
                             answer_with(429, R"({"detail":"slow down"})", "application/json",
                                         "Retry-After: 3600\r\n")),
               ErrorCode::kBusy, {"too much to do", "slow down", "try again in 3600 s"});
}

TEST(UpstreamErrors, TooLongNamesBothNumbers) {
  expect_error(
      chat_answered(UpstreamKind::kLlamaCpp,
                    answer_with(400, R"({"error":{"code":400,"message":"the request exceeds the available context )"
                                     R"(size, try increasing it","type":"exceed_context_size_error",)"
                                     R"("n_prompt_tokens":14429,"n_ctx":8192}})")),
      ErrorCode::kLimit, {"14429", "8192", "ask.top_k"});
  expect_error(chat_answered(UpstreamKind::kOllama,
                             answer_with(400, R"({"error":"the prompt is longer than the context length currently )"
                                              R"(available to the model"})")),
               ErrorCode::kLimit, {"longer than the context length"});
}

TEST(UpstreamErrors, FailuresOfTheServer) {
  expect_error(chat_answered(UpstreamKind::kOllama,
                             answer_with(500, R"({"error":"llama runner process has terminated: exit status 2"})")),
               ErrorCode::kIo, {"failed (500", "exit status 2"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp,
                             answer_with(502, "<html><head><style>b{}</style></head><body><h1>502 Bad Gateway</h1>"
                                              "</body></html>", "text/html")),
               ErrorCode::kIo, {"does not reach it", "'502 Bad Gateway'"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp,
                             answer_with(422, R"({"error":{"message":"bad\u001b[31mfield"}})")),
               ErrorCode::kInvalidArgument, {"refused the request", "bad\\x1b[31mfield"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp, answer_with(501, R"({"error":{"message":"not supported"}})")),
               ErrorCode::kUnsupported, {"not supported"});
}

TEST(UpstreamErrors, RedirectsAreNamedAndNotFollowed) {
  expect_error(chat_answered(UpstreamKind::kLlamaCpp, answer_with(307, "", "text/plain",
                                                                  "Location: http://10.0.0.7/v1/chat\r\n")),
               ErrorCode::kMalformed, {"leads to 'http://10.0.0.7/v1/chat'", "not followed"});
}

TEST(UpstreamErrors, WhatIsNotTheProtocol) {
  expect_error(chat_answered(UpstreamKind::kLlamaCpp, answer_with(200, "<!doctype html><p>Hello", "text/html")),
               ErrorCode::kMalformed, {"web page"});
  expect_error(chat_answered(UpstreamKind::kOllama, answer_with(200, "<!doctype html><p>Hello", "text/html")),
               ErrorCode::kMalformed, {"web page"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp, answer_with(200, "", "text/event-stream")),
               ErrorCode::kMalformed, {"something else than a stream"});
  expect_error(chat_answered(UpstreamKind::kLlamaCpp,
                             answer_with(200, "data: {\"choices\":[\n\n", "text/event-stream")),
               ErrorCode::kMalformed, {"not JSON"});
  expect_error(chat_answered(UpstreamKind::kOllama, answer_with(200, "{\"message\":", "application/x-ndjson")),
               ErrorCode::kMalformed, {"not JSON"});
}

TEST(UpstreamErrors, ErrorsWithinAStream) {
  const std::string begun = "data: {\"choices\":[{\"delta\":{\"content\":\"One\"}}]}\n\n";
  for (const std::string& tail : {std::string("data: {\"error\":{\"code\":500,\"message\":\"CUDA error\"}}\n\n"),
                                  std::string("error: {\"code\":500,\"message\":\"CUDA error\"}\n\n")}) {
    const Said said = chat_answered(UpstreamKind::kLlamaCpp, answer_with(200, begun + tail, "text/event-stream"));
    EXPECT_EQ(said.text, "One");
    expect_error(said, ErrorCode::kIo, {"CUDA error"});
  }
  const Said ollama = chat_answered(UpstreamKind::kOllama,
                                    answer_with(200, "{\"message\":{\"content\":\"One\"},\"done\":false}\n"
                                                     "{\"error\":\"failed while running the model\"}\n",
                                                "application/x-ndjson"));
  EXPECT_EQ(ollama.text, "One");
  expect_error(ollama, ErrorCode::kIo, {"in the middle of an answer", "while running the model"});
}

TEST(UpstreamErrors, NothingListens) {
  for (const auto& [kind, advice] : {std::pair(UpstreamKind::kOllama, "ollama serve"),
                                     std::pair(UpstreamKind::kLlamaCpp, "llama-server -m"),
                                     std::pair(UpstreamKind::kVllm, "vllm serve qwen3:0.6b"),
                                     std::pair(UpstreamKind::kOpenAi, "check that it runs")}) {
    const auto upstream = open_upstream(upstream_options(kind, url_without_server()));
    const Said said = chat(*upstream);
    expect_error(said, ErrorCode::kIo, {"cannot be reached", advice});
    const UpstreamHealth health = upstream->health({});
    EXPECT_FALSE(health.ready);
    EXPECT_TRUE(contains(health.text, "cannot be reached")) << health.text;
  }
}

TEST(UpstreamErrors, AddressesThatAreRefused) {
  UpstreamOptions options = upstream_options(UpstreamKind::kOllama, "http://192.168.1.5:11434");
  const auto code_of = [&](const std::string& url) {
    options.spec.url = url;
    const auto opened = Upstream::open(options);
    return opened.ok() ? std::optional<ErrorCode>() : opened.error().code;
  };
  EXPECT_EQ(code_of("http://192.168.1.5:11434"), ErrorCode::kPermission);
  EXPECT_EQ(code_of("https://models.example.com"), ErrorCode::kPermission);
  EXPECT_EQ(code_of("http://127.0.0.1.example.com"), ErrorCode::kPermission);
  EXPECT_EQ(code_of("http://localhost:1"), std::nullopt);
  EXPECT_EQ(code_of("http://[::1]:1"), std::nullopt);
  EXPECT_EQ(code_of("ftp://127.0.0.1"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of("http://me:word@127.0.0.1"), ErrorCode::kInvalidArgument);
  options.allow_remote = true;
  EXPECT_EQ(code_of("http://192.168.1.5:11434"), std::nullopt);
  options.api_key = "sk-1";
  EXPECT_EQ(code_of("http://192.168.1.5:11434"), ErrorCode::kPermission) << "a key in clear text";
  EXPECT_EQ(code_of("https://models.example.com"), std::nullopt);
  options.api_key = "sk-1\r\nX-Evil: 1";
  EXPECT_EQ(code_of("https://models.example.com"), ErrorCode::kInvalidArgument);
}

TEST(UpstreamErrors, ANameWithAPasswordIsNotRepeated) {
  const auto opened = Upstream::open(upstream_options(UpstreamKind::kOllama, "http://me:hush@127.0.0.1"));
  ASSERT_FALSE(opened.ok());
  EXPECT_FALSE(contains(opened.error().message, "hush"));
}

}  // namespace
}  // namespace docmind::providers
