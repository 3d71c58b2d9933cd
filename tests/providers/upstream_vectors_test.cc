// Embeddings and reranking behind other servers: order, forms, lengths, and what cannot be.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include <fmt/format.h>

#include "base/json.h"
#include "providers/upstream.h"
#include "support/docmind.h"
#include "support/upstream_setup.h"

namespace docmind::providers {
namespace {

using namespace docmind::test;

using Rows = std::vector<std::vector<float>>;
constexpr std::string_view kTexts[] = {"one", "two"};

class UpstreamVectors : public testing::Test {
 protected:
  UpstreamVectors() { act_as_llama_cpp(server_, {}, {}); }
  Result<Rows> embed(const std::string& body, int n_retries = 0) {
    server_.on("/v1/embeddings", answer_with(200, body));
    UpstreamOptions options = upstream_options(UpstreamKind::kLlamaCpp, server_.url());
    options.n_retries = n_retries;
    return open_upstream(options)->embed(kTexts, {});
  }
  Result<std::vector<double>> rerank(const std::string& body) {
    server_.on("/v1/rerank", answer_with(200, body));
    return open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server_.url()))->rerank("which", kTexts, {});
  }
  ScriptedServer server_;
};

TEST_F(UpstreamVectors, NumbersInOrderOfTheirIndexAndOfUnitLength) {
  const auto rows = embed(R"({"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4.0]}],
                              "usage":{"prompt_tokens":6}})");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(*rows, (Rows{{0.6F, 0.8F}, {0, 1}}));
}

TEST_F(UpstreamVectors, Base64) {
  // The floats 1 and -0.5, then 0 and 2.
  const auto rows = embed(R"({"data":[{"index":0,"embedding":"AACAPwAAAL8="},
                                       {"index":1,"embedding":"AAAAAAAAAEA="}]})");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_NEAR((*rows)[0][0], 1 / std::sqrt(1.25), 1e-6);
  EXPECT_NEAR((*rows)[0][1], -0.5 / std::sqrt(1.25), 1e-6);
  EXPECT_EQ((*rows)[1], (std::vector<float>{0, 1}));
}

TEST_F(UpstreamVectors, AnswersThatCannotBe) {
  for (const char* body : {R"({"data":[{"index":0,"embedding":[1]}]})",                                  // too few
                           R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",     // twice
                           R"({"data":[{"index":0,"embedding":[1]},{"index":9,"embedding":[1]}]})",     // beyond
                           R"({"data":[{"index":0,"embedding":["a"]},{"index":1,"embedding":[1]}]})",   // no numbers
                           R"({"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[1]}]})",      // empty
                           R"({"data":[{"index":0,"embedding":"AACA"},{"index":1,"embedding":[1]}]})",  // half a float
                           R"({"data":[{"index":0,"embedding":"AADAfw=="},{"index":1,"embedding":[1]}]})",  // NaN
                           R"({"data":[{"index":0},{"index":1}]})", R"({"data":null})", "[]", "nonsense"}) {
    const auto rows = embed(body);
    ASSERT_FALSE(rows.ok()) << body;
    EXPECT_EQ(rows.error().code, ErrorCode::kMalformed) << body;
    EXPECT_TRUE(contains(rows.error().message, "the llama.cpp server at http://127.0.0.1:")) << rows.error().message;
  }
  const auto uneven = embed(R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]})");
  ASSERT_FALSE(uneven.ok());
  EXPECT_EQ(uneven.error().code, ErrorCode::kMismatch);
}

TEST_F(UpstreamVectors, ManyTextsGoInBatches) {
  server_.on("/v1/embeddings", [](const ScriptedRequest& request, ScriptedWire& wire) {
    const json::value body = parse_json(request.body, 8, 1 << 20).value();
    std::string data;
    for (size_t i = 0; i < body.at("input").as_array().size(); ++i) {
      const double number = std::stod(std::string(body.at("input").at(i).as_string()));
      data += fmt::format("{}{{\"index\":{},\"embedding\":[{},1]}}", i == 0 ? "" : ",", i, number);
    }
    wire.send(http_answer(200, "application/json", "{\"data\":[" + data + "],\"usage\":{\"prompt_tokens\":64}}"));
  });
  std::vector<std::string> texts;
  for (int i = 0; i < 70; ++i) texts.push_back(std::to_string(i));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server_.url()));
  const auto rows = upstream->embed(views, {});
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->size(), 70U);
  for (size_t i = 0; i < rows->size(); ++i) EXPECT_NEAR((*rows)[i][0] / (*rows)[i][1], i, 1e-3);
  EXPECT_EQ(server_.requests("/v1/embeddings").size(), 3U);
  EXPECT_EQ(upstream->counts().n_embedded_tokens, 192);
}

TEST_F(UpstreamVectors, ABrokenAnswerIsAskedForAgain) {
  const std::string good = R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1]}]})";
  server_.on("/v1/embeddings",
             {answer_with(200, "{\"data\":["),
              [](const ScriptedRequest&, ScriptedWire& wire) {
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":[");
                wire.close();
              },
              answer_with(200, good)});
  UpstreamOptions options = upstream_options(UpstreamKind::kLlamaCpp, server_.url());
  options.n_retries = 2;
  const auto upstream = open_upstream(options);
  const auto rows = upstream->embed(kTexts, {});
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(upstream->counts().n_retries, 2);
}

TEST_F(UpstreamVectors, TheEmbedderKnowsItsDimensionAndSkipsBlankTexts) {
  server_.on("/v1/embeddings", answer_with(200, R"({"data":[{"index":0,"embedding":[0,5,0]}]})"));
  auto embedder = make_upstream_embedder(open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server_.url())), {});
  ASSERT_TRUE(embedder.ok()) << embedder.error().message;
  EXPECT_EQ((*embedder)->info().dimension, 3U);
  EXPECT_EQ((*embedder)->info().provider.identity, "llamacpp/qwen3:0.6b/751632384-805306368");
  std::vector<float> out(6, 9);
  const std::string_view texts[] = {" \n", "word"};
  ASSERT_TRUE((*embedder)->embed(texts, EmbedKind::kDocument, out, {}).ok());
  EXPECT_EQ(out, (std::vector<float>{0, 0, 0, 0, 1, 0}));
  server_.on("/v1/embeddings", answer_with(200, R"({"data":[{"index":0,"embedding":[0,5]}]})"));
  const Status changed = (*embedder)->embed(texts, EmbedKind::kDocument, out, {});
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().code, ErrorCode::kMismatch);
}

TEST_F(UpstreamVectors, OllamaEmbeds) {
  ScriptedServer server;
  act_as_ollama(server, {}, {});
  server.on("/api/embed", answer_with(200, R"({"model":"x","embeddings":[[3,4],[0,1]],"prompt_eval_count":8})"));
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kOllama, server.url()));
  const auto rows = upstream->embed(kTexts, {});
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(*rows, (Rows{{0.6F, 0.8F}, {0, 1}}));
  EXPECT_TRUE(contains(server.requests("/api/embed").at(0).body, "\"truncate\":false"));
}

TEST_F(UpstreamVectors, RerankInOrderOfTheDocuments) {
  const auto scores = rerank(R"({"results":[{"index":1,"relevance_score":-2.5},{"index":0,"relevance_score":7}]})");
  ASSERT_TRUE(scores.ok()) << scores.error().message;
  EXPECT_EQ(*scores, (std::vector<double>{7, -2.5}));
  for (const char* body : {R"({"results":[{"index":1,"relevance_score":1}]})",
                           R"({"results":[{"index":1,"relevance_score":1},{"index":1,"relevance_score":1}]})",
                           R"({"results":[{"index":1,"relevance_score":1},{"relevance_score":1}]})",
                           R"({"results":[{"index":1,"relevance_score":1},{"index":0}]})"}) {
    const auto bad = rerank(body);
    ASSERT_FALSE(bad.ok()) << body;
    EXPECT_EQ(bad.error().code, ErrorCode::kMalformed);
  }
}

TEST_F(UpstreamVectors, RerankFallsBackToTheOlderRouteAndStaysThere) {
  server_.on("/rerank", answer_with(200, R"({"results":[{"index":0,"score":0.5},{"index":1,"score":0.25}]})"));
  const auto upstream = open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server_.url()));
  EXPECT_EQ(upstream->rerank("q", kTexts, {}).value(), (std::vector<double>{0.5, 0.25}));
  EXPECT_TRUE(upstream->rerank("q", kTexts, {}).ok());
  EXPECT_EQ(server_.requests("/v1/rerank").size(), 1U);
}

TEST_F(UpstreamVectors, TheRerankerTurnsLogitsIntoProbabilities) {
  server_.on("/v1/rerank", answer_with(200, R"({"results":[{"index":0,"relevance_score":0},
                                                           {"index":1,"relevance_score":-3}]})"));
  const auto reranker = make_upstream_reranker(open_upstream(upstream_options(UpstreamKind::kLlamaCpp, server_.url())));
  const Passage passages[] = {{.text = "a", .title = "T"}, {.text = "b", .title = "T", .heading = "T > H"}};
  const auto scores = reranker->rerank("q", passages, {});
  ASSERT_TRUE(scores.ok()) << scores.error().message;
  EXPECT_NEAR((*scores)[0], 0.5, 1e-9);
  EXPECT_NEAR((*scores)[1], 1 / (1 + std::exp(3.0)), 1e-9);
  EXPECT_TRUE(contains(server_.requests("/v1/rerank").at(0).body, R"(["T\na","T > H\nb"])"));
}

TEST_F(UpstreamVectors, OllamaCannotRerankAndSaysWhatCan) {
  ScriptedServer server;
  act_as_ollama(server, {}, {});
  const auto scores = open_upstream(upstream_options(UpstreamKind::kOllama, server.url()))->rerank("q", kTexts, {});
  ASSERT_FALSE(scores.ok());
  EXPECT_EQ(scores.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(contains(scores.error().message, "--reranking")) << scores.error().message;
}

}  // namespace
}  // namespace docmind::providers
