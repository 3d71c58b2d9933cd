// A server of ours whose models run behind another one, and the commands that look at it.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "e2e/upstream_fixture.h"

namespace docmind::test {
namespace {

using UpstreamsServed = Upstreams;

TEST_F(UpstreamsServed, AServerAnswersWithModelsOfAnother) {
  box_.index();
  const std::string path = generator();
  const Served there(there_, {"--model", path, "--embedder", encoder(false), "--reranker", encoder(true)});
  box_.env["DOCMIND_EMBEDDER_PATH"] = "openai:embedder@" + there.url();
  box_.index(0, {"--reembed"});
  const Served here(box_, {"--model", "openai:nano@" + there.url(), "--reranker", "openai:reranker@" + there.url()});
  HttpClient client(here.port()), direct(there.port());
  const HttpReply reply =
      client.post("/v1/rag/query", json::serialize(json::object{{"question", kQuestion}, {"cache", false}}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(text(json::parse(reply.body), "provider"), "openai:nano");
  // Over documents it chats, without them the client is sent there.
  const auto chat = [&](const std::string& model) {
    return client.post("/v1/chat/completions",
                       json::serialize(json::object{
                           {"model", model},
                           {"messages", json::array{json::object{{"role", "user"}, {"content", kQuestion}}}}}));
  };
  EXPECT_EQ(chat("docmind").status, 200);
  EXPECT_EQ(chat("nano").status, 400);
  EXPECT_TRUE(contains(chat("nano").body, there.url())) << chat("nano").body;
  // Its vectors and scores are passed on.
  const std::pair<const char*, const char*> requests[] = {
      {"/v1/embeddings", R"({"input": ["pump", "leave"]})"},
      {"/v1/rerank", R"({"query": "pump", "documents": ["a pump", "leave"]})"}};
  for (const auto& [target, body] : requests) {
    const HttpReply passed = client.post(target, body), own = direct.post(target, body);
    ASSERT_EQ(passed.status, 200) << passed.body;
    const json::value a = json::parse(passed.body), b = json::parse(own.body);
    EXPECT_EQ(a.at("model"), b.at("model"));
    const bool vectors = std::string_view(target) == "/v1/embeddings";
    const json::array from_a = list(a, vectors ? "data" : "results"), from_b = list(b, vectors ? "data" : "results");
    ASSERT_EQ(from_a.size(), from_b.size());
    for (size_t i = 0; i < from_a.size(); ++i) {
      EXPECT_EQ(number(from_a[i], "index"), number(from_b[i], "index"));
      const auto first = [&](const json::value& row) {
        return (vectors ? list(row, "embedding")[0] : row.at("relevance_score")).to_number<double>();
      };
      EXPECT_NEAR(first(from_a[i]), first(from_b[i]), 1e-5);
    }
  }
  const json::array models = list(stats_of(client), "models");
  ASSERT_EQ(models.size(), 3U);
  EXPECT_EQ(text(models[0], "role"), "text");
  EXPECT_EQ(text(models[0], "name"), "nano");
  EXPECT_EQ(text(models[0].at("upstream"), "url"), there.url());
  EXPECT_GT(number(models[0].at("upstream"), "requests"), 0);
  EXPECT_TRUE(contains(client.get("/v1/models").body, R"("id":"embedder")")) << client.get("/v1/models").body;
}

TEST_F(UpstreamsServed, DoctorAndListLookAtTheServer) {
  const Served served(there_, {"--model", generator()});
  const auto finding = [&](const std::string& model, int code) {
    box_.env["DOCMIND_MODEL_PATH"] = model;
    for (const json::value& one : list(box_.json_of({"doctor", "--json"}, code), "findings")) {
      if (text(one, "topic") == "upstream") return text(one, "level") + ": " + text(one, "text");
    }
    return std::string();
  };
  const std::string good = finding("openai:nano@" + served.url(), 0);
  EXPECT_TRUE(good.starts_with("good: model.path 'openai:nano@" + served.url())) << good;
  EXPECT_TRUE(contains(good, "8,192 tokens of context")) << good;
  const std::string absent = finding("ollama:other@" + served.url(), 1);
  EXPECT_TRUE(contains(absent, "has no model 'other' but 'nano")) << absent;
  EXPECT_TRUE(contains(absent, "ollama pull other")) << absent;
  EXPECT_TRUE(contains(finding("ollama:x@http://127.0.0.1:1", 1), "start it with: ollama serve"));
  EXPECT_TRUE(contains(finding("openai:x@http://192.0.2.1:8000", 1), "upstream.allow_remote"));
  box_.env.erase("DOCMIND_MODEL_PATH");
  const json::value listed = box_.json_of({"models", "list", "--json", "--upstream", "ollama:@" + served.url()});
  EXPECT_TRUE(contains(text(list(listed, "models")[0], "spec"), "ollama:nano")) << json::serialize(listed);
  EXPECT_EQ(box_.run({"models", "list", "--upstream", "nano.gguf"}).code, 2);
}

}  // namespace
}  // namespace docmind::test
