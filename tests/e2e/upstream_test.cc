// Models of other servers, as people use them: our own server is the other one, with the native engine behind it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include <fmt/format.h>

#include "support/http_client.h"
#include "support/model_writer.h"
#include "support/served.h"

namespace docmind::test {
namespace {

constexpr const char* kQuestion = "How many kilograms does the pump weigh?";
// Nobody listens there.
constexpr const char* kAbsent = "openai:x@http://127.0.0.1:1";

// With a chat template, so that a prompt is the same whoever makes it.
std::string written(const Sandbox& box, ModelSpec spec, const std::string& name) {
  spec.extra_metadata = [](gguf::Writer& writer) {
    writer.add("tokenizer.chat_template",
               "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n'}}"
               "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  };
  const Result<std::string> path = write_model(spec, box.folder.path(name));
  if (!path.ok()) ADD_FAILURE() << path.error().message;
  return path.ok() ? *path : std::string();
}

// Answers for many seconds.
const ModelSpec kSlow{.n_layers = 4, .n_embd = 512, .n_ff = 2'048, .n_context = 60'000};

json::value stats_of(HttpClient& client) { return json::parse(client.get("/v1/stats").body); }

int64_t n_generated(HttpClient& client) { return number(stats_of(client).at("tokens"), "generated_total"); }

// Until `holds`; false after a long time.
template <typename Condition>
bool comes_true(const Condition& holds) {
  for (int i = 0; i < 1'200; ++i) {
    if (holds()) return true;
    ::usleep(50'000);
  }
  return false;
}

class Upstreams : public testing::Test {
 protected:
  Upstreams() {
    for (Sandbox* box : {&box_, &there_}) box->env["DOCMIND_MODEL_THREADS"] = "1";
    box_.env["DOCMIND_MODEL_MAX_TOKENS"] = "16";
    box_.doc("pump.md", "# Pump\n\nThe pump weighs forty kilograms.\n");
    box_.doc("leave.md", "# Leave\n\nUnused leave days expire on the last day of March.\n");
  }
  std::string generator() const { return written(there_, {.n_context = 8'192}, "nano.gguf"); }
  std::string encoder(bool reranker) const {
    ModelSpec spec{.architecture = Architecture::kBert, .n_kv_heads = 4, .pooling = reranker ? 4 : 2};
    spec.classifier = reranker;
    return written(there_, spec, reranker ? "reranker.gguf" : "embedder.gguf");
  }
  json::value ask(const std::string& model, std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"ask", "--json", kQuestion, "--model", model};
    args.insert(args.end(), more.begin(), more.end());
    return box_.json_of(args);
  }

  Sandbox box_, there_;
};

TEST_F(Upstreams, AnswersAreThoseOfTheModelBehindTheServer) {
  box_.index();
  const std::string path = generator();
  const json::value own = ask(path, {"--no-cache"});
  EXPECT_FALSE(own.as_object().contains("route"));
  const Served served(there_, {"--model", path});
  for (const std::string& spec : {"openai:nano@" + served.url(), "openai:nano@" + served.url() + "/v1",
                                  "ollama:nano@" + served.url(), "llamacpp:nano@" + served.url(), "vllm:nano@" + served.url()}) {
    const json::value answer = ask(spec, {"--no-cache"});
    EXPECT_EQ(text(answer, "answer"), text(own, "answer")) << spec;
    EXPECT_EQ(list(answer, "citations").size(), list(own, "citations").size()) << spec;
    EXPECT_TRUE(spec.starts_with(text(answer, "provider").substr(0, text(answer, "provider").find(':')))) << spec;
  }
  // Cached under the name and content of that model.
  EXPECT_EQ(text(ask("openai:nano@" + served.url()), "cache"), "miss");
  EXPECT_EQ(text(ask("openai:nano@" + served.url()), "cache"), "disk");
  EXPECT_EQ(text(ask("ollama:nano@" + served.url()), "cache"), "miss");
}

TEST_F(Upstreams, VectorsAndScoresAreThoseOfTheModelsBehindTheServer) {
  const std::string embedder = encoder(false), reranker = encoder(true);
  const Served served(there_, {"--embedder", embedder, "--reranker", reranker});
  const auto results = [&](const std::string& embeds, const std::string& reranks) {
    std::vector<std::string> args{"search", "--json", kQuestion, "--embedder", embeds};
    if (!reranks.empty()) args.insert(args.end(), {"--reranker", reranks});
    return list(box_.json_of(args), "results");
  };
  const auto same = [](const json::array& a, const json::array& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(text(a[i], "path"), text(b[i], "path"));
      EXPECT_NEAR(a[i].at("score").to_number<double>(), b[i].at("score").to_number<double>(), 1e-4);
    }
  };
  box_.index(0, {"--embedder", embedder});
  const json::array own = results(embedder, ""), own_ranked = results(embedder, reranker);
  // Vectors of another server are another embedder's, whatever it runs.
  const std::string there = "openai:embedder@" + served.url();
  EXPECT_EQ(box_.run({"search", kQuestion, "--embedder", there}).code, 1);
  box_.index(0, {"--embedder", there, "--reembed"});
  same(results(there, ""), own);
  same(results(there, "openai:reranker@" + served.url()), own_ranked);
  // What cannot rerank says so.
  const ProcessResult refused =
      box_.run({"search", kQuestion, "--embedder", there, "--reranker", "ollama:reranker@" + served.url()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, "rerank")) << refused.err;
}

TEST_F(Upstreams, AServerThatDiesInTheMiddleIsAnErrorNotAnAnswer) {
  box_.index();
  Served served(there_, {"--model", written(there_, kSlow, "slow.gguf"), "--context", "60000", "--max-tokens", "50000"});
  HttpClient client(served.port());
  Process ask(box_.command({"ask", kQuestion, "--model", "openai:slow@" + served.url(), "--max-tokens", "4000",
                            "--fallback", "extractive"}));
  ASSERT_TRUE(comes_true([&] { return n_generated(client) > 30 || ask.ended(); }));
  served.stop(SIGKILL);
  const ProcessResult result = ask.wait();
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, served.url())) << result.err;
  EXPECT_FALSE(contains(result.out, "forty kilograms")) << "no second answer after the first one's beginning";
}

TEST_F(Upstreams, CtrlCClosesTheRequestThere) {
  box_.index();
  const Served served(there_,
                      {"--model", written(there_, kSlow, "slow.gguf"), "--context", "60000", "--max-tokens", "50000"});
  HttpClient client(served.port());
  Process ask(box_.command({"ask", kQuestion, "--model", "ollama:slow@" + served.url(), "--max-tokens", "4000"}));
  ASSERT_TRUE(comes_true([&] { return n_generated(client) > 30 || ask.ended(); }));
  ask.kill(SIGINT);
  EXPECT_EQ(ask.wait().code, 130);
  EXPECT_TRUE(comes_true([&] { return number(stats_of(client).at("server"), "client_gone") == 1; }));
  // Nothing goes on there.
  EXPECT_TRUE(comes_true([&] {
    const int64_t before = n_generated(client);
    ::usleep(300'000);
    return n_generated(client) == before;
  }));
}

TEST_F(Upstreams, AFallBackAnswersAndSaysSo) {
  box_.index();
  const ProcessResult alone = box_.run({"ask", kQuestion, "--model", kAbsent});
  EXPECT_EQ(alone.code, 1);
  EXPECT_EQ(alone.out, "");
  EXPECT_TRUE(contains(alone.err, "http://127.0.0.1:1")) << alone.err;
  const json::value extracted = ask(kAbsent, {"--fallback", "extractive"});
  EXPECT_TRUE(contains(text(extracted, "answer"), "forty kilograms")) << json::serialize(extracted);
  EXPECT_EQ(text(extracted, "provider"), "extractive");
  EXPECT_TRUE(contains(text(extracted, "route"), "'extractive' answers because 'openai:x' failed")) << text(extracted, "route");
  const std::string path = generator();
  const json::value native = ask(kAbsent, {"--fallback", kAbsent, "--fallback", path, "--no-cache"});
  EXPECT_EQ(text(native, "answer"), text(ask(path, {"--no-cache"}), "answer"));
  const ProcessResult told = box_.run({"ask", "--explain", kQuestion, "--model", kAbsent, "--fallback", path});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_TRUE(contains(told.err, "answers because 'openai:x' failed")) << told.err;
  EXPECT_TRUE(contains(told.err, "stands in from now on")) << told.err;
  EXPECT_TRUE(contains(told.out, "answers because 'openai:x' failed")) << told.out;
}

TEST_F(Upstreams, WhatAFallBackSaidIsNotServedAsTheFirstOnes) {
  box_.index();
  const std::string path = generator();
  std::string spec;
  {
    const Served served(there_, {"--model", path});
    spec = "openai:nano@" + served.url();
  }
  EXPECT_EQ(text(ask(spec, {"--fallback", "extractive"}), "provider"), "extractive");
  const Served back(there_, {"--model", path, "--port", spec.substr(spec.rfind(':') + 1)});
  const json::value answer = ask(spec, {"--fallback", "extractive"});
  EXPECT_EQ(text(answer, "cache"), "miss");
  EXPECT_EQ(text(answer, "provider"), "openai:nano");
  EXPECT_EQ(text(ask(spec, {"--fallback", "extractive"}), "cache"), "disk");
}

TEST_F(Upstreams, ExplainShowsWhereAQuestionWasSentAndWhy) {
  box_.index();
  const std::string path = generator();
  box_.env["DOCMIND_MODEL_ROUTE"] = "true";
  const ProcessResult lacking = box_.run({"ask", kQuestion, "--model", path});
  EXPECT_EQ(lacking.code, 2);
  EXPECT_TRUE(contains(lacking.err, "model.route needs model.small")) << lacking.err;
  box_.env["DOCMIND_MODEL_SMALL"] = written(there_, {.n_context = 8'192, .seed = 5}, "small.gguf");
  const auto explained = [&](const std::string& question) {
    return box_.run({"ask", "--explain", question, "--model", path}).out;
  };
  const std::string easy = explained(kQuestion), hard = explained("Why is the pump heavy?");
  EXPECT_TRUE(contains(easy, "was chosen because the question is short and factual")) << easy;
  EXPECT_TRUE(contains(hard, "was chosen because the question asks for a reason ('why')")) << hard;
  EXPECT_TRUE(contains(explained(kQuestion), "cached on disk")) << "the pair's answer is that of the pair";
}

TEST_F(Upstreams, ThePoolGoesOnWithoutAServerThatIsGone) {
  box_.index();
  const Served served(there_, {"--model", generator()});
  box_.env["DOCMIND_MODEL_REPLICAS"] = "openai:nano@" + served.url();
  const json::value answer = ask(kAbsent);
  EXPECT_EQ(text(answer, "provider"), "openai:nano");
  EXPECT_TRUE(contains(text(answer, "route"), "'openai:nano' answers because 'openai:x' failed"));
}

TEST_F(Upstreams, OtherMachinesAndWrongNamesAreRefused) {
  box_.index();
  const auto refusal = [&](std::vector<std::string> args, int code, const std::string& words) {
    const ProcessResult result = box_.run(args);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(contains(result.err, words)) << result.err;
  };
  refusal({"ask", kQuestion, "--model", "openai:x@http://192.0.2.1:8000"}, 1, "upstream.allow_remote");
  refusal({"search", kQuestion, "--embedder", "openai:x@http://192.0.2.1:8000"}, 1, "upstream.allow_remote");
  refusal({"ask", kQuestion, "--model", "openai:x"}, 2, "model.path: the model 'openai:x' has no address");
  refusal({"ask", kQuestion, "--model", kAbsent, "--fallback", "extractive", "--fallback", kAbsent}, 2, "put it last");
  refusal({"ask", kQuestion, "--fallback", kAbsent}, 2, "model.fallback needs model.path");
  refusal({"run", "ollama:x", "hello"}, 1, "is a model of another server");
  const std::string key = box_.folder.write("key", "secret\n");
  box_.env["DOCMIND_UPSTREAM_KEY_FILE"] = key;
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  refusal({"ask", kQuestion, "--model", kAbsent}, 1, "chmod 600");
}

TEST_F(Upstreams, AServerAnswersWithModelsOfAnother) {
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
  for (const auto& [target, body] : {std::pair{"/v1/embeddings", R"({"input": ["pump", "leave"]})"},
                                     std::pair{"/v1/rerank", R"({"query": "pump", "documents": ["a pump", "leave"]})"}}) {
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

TEST_F(Upstreams, DoctorAndListLookAtTheServer) {
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
