// Models of other servers, as people use them: our own server is the other one, with the native engine behind it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>

#include "e2e/upstream_fixture.h"

namespace docmind::test {
namespace {

TEST_F(Upstreams, AnswersAreThoseOfTheModelBehindTheServer) {
  box_.index();
  const std::string path = generator();
  const json::value own = ask(path, {"--no-cache"});
  EXPECT_FALSE(own.as_object().contains("route"));
  const Served served(there_, {"--model", path});
  for (const std::string& spec : {"openai:nano@" + served.url(), "openai:nano@" + served.url() + "/v1",
                                  "ollama:nano@" + served.url(), "llamacpp:nano@" + served.url(),
                                  "vllm:nano@" + served.url()}) {
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
  Served served(there_, slow_flags());
  HttpClient client(served.port());
  Process ask(box_.command({"ask", kQuestion, "--model", "openai:slow@" + served.url(), "--max-tokens", "4000",
                            "--fallback", "extractive"}));
  ASSERT_TRUE(comes_true([&] { return n_generated(client) > 30 || ask.ended(); }));
  served.stop(SIGKILL);
  const ProcessResult result = ask.wait();
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, served.url())) << result.err;
  EXPECT_NE(result.out, "") << "it was shown as it came";
  EXPECT_FALSE(contains(result.out, "forty kilograms")) << "no second answer after the first one's beginning";
}

TEST_F(Upstreams, CtrlCClosesTheRequestThere) {
  box_.index();
  const Served served(there_, slow_flags());
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
  EXPECT_TRUE(contains(text(extracted, "route"), "'extractive' answers because 'openai:x' failed"))
      << text(extracted, "route");
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
  box_.env["DOCMIND_MODEL_SMALL"] = written_with_template(there_, {.n_context = 8'192, .seed = 5}, "small.gguf");
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

}  // namespace
}  // namespace docmind::test
