// What is found out about a server: model, context, fingerprint, whether it counts tokens; and that it is kept.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "providers/upstream.h"
#include "support/docmind.h"
#include "support/upstream_setup.h"

namespace docmind::providers {
namespace {

using namespace docmind::test;

UpstreamCapabilities known_of(Upstream& upstream) {
  auto known = upstream.capabilities({});
  EXPECT_TRUE(known.ok()) << (known.ok() ? "" : known.error().message);
  return known.ok() ? *std::move(known) : UpstreamCapabilities{};
}

TEST(UpstreamDiscovery, LlamaCpp) {
  ScriptedServer server;
  act_as_llama_cpp(server, {.n_context = 8'192}, {});
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server.url()));
  const UpstreamCapabilities known = known_of(*upstream);
  EXPECT_EQ(known.server, "llama.cpp b8681-f00");
  EXPECT_EQ(known.n_context, 8'192) << "that of a slot, not that of the training";
  EXPECT_TRUE(known.counts_tokens);
  EXPECT_EQ(known.fingerprint, "751632384-805306368");
  EXPECT_EQ(upstream->count_tokens("one two  three", {}).value(), 3);
  ASSERT_FALSE(server.requests("/props").empty());
  EXPECT_EQ(server.requests("/props")[0].query, "model=qwen3%3A0.6b");
  EXPECT_EQ(upstream->models({}).value().size(), 1U);
  EXPECT_TRUE(upstream->health({}).ready);
  server.on("/health", answer_with(503, R"({"error":{"code":503,"message":"Loading model"}})"));
  EXPECT_TRUE(contains(upstream->health({}).text, "loading"));
}

TEST(UpstreamDiscovery, LlamaCppAnswersToAnyName) {
  ScriptedServer server;
  act_as_llama_cpp(server, {.name = "/models/Qwen3-0.6B-Q4_K_M.gguf"}, {"yes"});
  UpstreamOptions options = upstream_options(UpstreamKind::kLlamaCpp, server.url());
  EXPECT_EQ(known_of(*open_upstream(options)).model, "qwen3:0.6b");
  options.spec.model.clear();
  EXPECT_EQ(known_of(*open_upstream(options)).model, "/models/Qwen3-0.6B-Q4_K_M.gguf");
}

TEST(UpstreamDiscovery, Vllm) {
  ScriptedServer server;
  act_as_vllm(server, {.n_context = 32'768}, {});
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kVllm, server.url()));
  const UpstreamCapabilities known = known_of(*upstream);
  EXPECT_EQ(known.server, "vLLM 0.14.0");
  EXPECT_EQ(known.n_context, 32'768);
  EXPECT_TRUE(known.counts_tokens);
  EXPECT_EQ(upstream->count_tokens("one two three four", {}).value(), 4);
}

TEST(UpstreamDiscovery, AnOpenAiServerThatIsVllmIsRecognised) {
  ScriptedServer server;
  act_as_vllm(server, {}, {});
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kOpenAi, server.url()));
  EXPECT_TRUE(known_of(*upstream).counts_tokens);
}

TEST(UpstreamDiscovery, LmStudioSaysWhatTheModelWasLoadedWith) {
  ScriptedServer server;
  act_as_lm_studio(server, {.n_context = 4'096}, {});
  UpstreamOptions options = upstream_options(UpstreamKind::kOpenAi, server.url());
  options.spec.lm_studio = true;
  const auto upstream = open_upstream(options);
  const UpstreamCapabilities known = known_of(*upstream);
  EXPECT_EQ(known.n_context, 4'096);
  EXPECT_FALSE(known.counts_tokens);
  EXPECT_GT(upstream->count_tokens("one two three four", {}).value(), 4) << "an estimate, rather too large";
}

TEST(UpstreamDiscovery, Ollama) {
  ScriptedServer server;
  act_as_ollama(server, {.n_context = 40'960}, {});
  UpstreamOptions options = upstream_options(UpstreamKind::kOllama, server.url());
  const UpstreamCapabilities known = known_of(*open_upstream(options));
  EXPECT_EQ(known.server, "Ollama 0.12.3");
  EXPECT_EQ(known.n_context, 40'960);
  EXPECT_TRUE(known.fingerprint.starts_with("7df6b6e09427")) << known.fingerprint;
  EXPECT_TRUE(known.thinks);
  EXPECT_TRUE(known.generates);
  EXPECT_FALSE(known.embeds);
  options.n_context = 8'000;
  EXPECT_EQ(known_of(*open_upstream(options)).n_context, 8'000);
  options.n_context = 80'000;
  EXPECT_EQ(known_of(*open_upstream(options)).n_context, 40'960) << "Ollama would cut it down in silence";
}

TEST(UpstreamDiscovery, OllamaNamesWithoutATagAreTheLatest) {
  ScriptedServer server;
  act_as_ollama(server, {.name = "bge-m3:latest"}, {});
  UpstreamOptions options = upstream_options(UpstreamKind::kOllama, server.url());
  options.spec.model = "bge-m3";
  EXPECT_EQ(known_of(*open_upstream(options)).model, "bge-m3:latest");
  options.spec.model.clear();
  EXPECT_EQ(known_of(*open_upstream(options)).model, "bge-m3:latest") << "the only one";
  options.spec.model = "llama3";
  const auto missing = open_upstream(options)->capabilities({});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(missing.error().message, "ollama pull llama3")) << missing.error().message;
  EXPECT_TRUE(contains(missing.error().message, "'bge-m3:latest'")) << missing.error().message;
}

TEST(UpstreamDiscovery, IsAskedOnceAndAgainAfterTheServerWasAway) {
  ScriptedServer server;
  act_as_ollama(server, {.n_context = 10'000}, {"yes"});
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kOllama, server.url()));
  EXPECT_TRUE(chat(*upstream).result.ok());
  EXPECT_TRUE(chat(*upstream).result.ok());
  EXPECT_EQ(server.requests("/api/show").size(), 1U);
  act_as_ollama(server, {.n_context = 20'000}, {"yes"});
  server.on("/api/chat", [](const ScriptedRequest&, ScriptedWire& wire) { wire.reset(); });
  EXPECT_TRUE(chat(*upstream).failed_with(ErrorCode::kIo));
  EXPECT_EQ(known_of(*upstream).n_context, 20'000);
}

TEST(UpstreamDiscovery, SeveralModelsAndNoName) {
  ScriptedServer server;
  server.on("/v1/models", answer_with(200, R"({"data":[{"id":"a"},{"id":"b"}]})"));
  UpstreamOptions options = upstream_options(UpstreamKind::kOpenAi, server.url());
  options.spec.model.clear();
  const auto several = open_upstream(options)->capabilities({});
  ASSERT_FALSE(several.ok());
  EXPECT_TRUE(contains(several.error().message, "'a', 'b'")) << several.error().message;
}

TEST(UpstreamDiscovery, AListThatIsNoListAndNoneAtAll) {
  ScriptedServer server;
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kOpenAi, server.url()));
  EXPECT_EQ(known_of(*upstream).model, "qwen3:0.6b") << "a server without a list is believed to have the model";
  for (const char* body : {R"({"data":7})", "[]", "null", R"({"models":[]})"}) {
    server.on("/v1/models", answer_with(200, body));
    const auto known = open_upstream(upstream_options(UpstreamKind::kOpenAi, server.url()))->capabilities({});
    ASSERT_FALSE(known.ok()) << body;
    EXPECT_EQ(known.error().code, ErrorCode::kMalformed);
  }
}

}  // namespace
}  // namespace docmind::providers
