// Answers from passages by the models of other servers: prompt, citations, identity, and what does not fit.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/json.h"
#include "providers/upstream.h"
#include "support/docmind.h"
#include "support/upstream_setup.h"

namespace docmind::providers {
namespace {

using namespace docmind::test;

const Passage kPassages[] = {{.text = "Every employee has 28 days of annual leave.", .title = "Handbook"},
                             {.text = "The office in Bonn opens at nine in the morning.", .title = "Offices"}};

class UpstreamGenerator : public testing::Test {
 protected:
  Result<GenerateResult> ask(std::string_view question, std::span<const Passage> passages = kPassages) {
    shown_.clear();
    return generator_->generate({.question = question, .passages = passages, .max_tokens = 200},
                                [&](std::string_view piece) { return shown_.append(piece), true; }, {});
  }
  void use_ollama(const std::vector<std::string>& pieces, RecordedModel model = {}) {
    act_as_ollama(server_, model, pieces);
    use(upstream_options(UpstreamKind::kOllama, server_.url()));
  }
  void use_llama_cpp(const std::vector<std::string>& pieces, RecordedModel model = {}) {
    act_as_llama_cpp(server_, model, pieces);
    use(upstream_options(UpstreamKind::kLlamaCpp, server_.url()));
  }
  void use(const UpstreamOptions& options) {
    upstream_ = open_upstream(options);
    generator_ = make_upstream_generator(upstream_);
  }
  std::string user_text(const std::string& path) const {
    const auto requests = server_.requests(path);
    if (requests.empty()) return {};
    const json::value body = parse_json(requests.back().body, 16, 1 << 22).value();
    return std::string(body.at("messages").at(1).at("content").as_string());
  }

  ScriptedServer server_;
  std::shared_ptr<Upstream> upstream_;
  std::unique_ptr<Generator> generator_;
  std::string shown_;
};

TEST_F(UpstreamGenerator, CitesThePassagesAndStreams) {
  use_ollama({"Every employee has", " 28 days of annual", " leave [1]."});
  const auto result = ask("How many days of leave?");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->text, "Every employee has 28 days of annual leave [1].");
  EXPECT_EQ(shown_, result->text);
  EXPECT_TRUE(result->answered);
  EXPECT_EQ(result->finish_reason, "stop");
  ASSERT_EQ(result->evidence.size(), 1U);
  EXPECT_EQ(result->evidence[0].passage, 0U);
  EXPECT_EQ(result->n_prompt_tokens, 4'000);
  EXPECT_TRUE(contains(user_text("/api/chat"), "28 days of annual leave"));
  EXPECT_TRUE(contains(user_text("/api/chat"), "Question: How many days of leave?"));
  EXPECT_FALSE(generator_->quotes_documents());
}

TEST_F(UpstreamGenerator, ThoughtsMarksAndRefusalsAreTreatedAsThoseOfTheOwnEngine) {
  use_llama_cpp({"<think>Let me", " see</think>", "The office in Bonn opens at nine in the morning", "."});
  const auto uncited = ask("When does it open?");
  ASSERT_TRUE(uncited.ok()) << uncited.error().message;
  EXPECT_EQ(uncited->text, "The office in Bonn opens at nine in the morning. [2]");
  use_llama_cpp({"The passages do not contain", " the answer."});
  const auto refused = ask("Who founded it?");
  ASSERT_TRUE(refused.ok()) << refused.error().message;
  EXPECT_FALSE(refused->answered);
  EXPECT_EQ(refused->finish_reason, "no_answer");
  EXPECT_EQ(shown_, "");
}

TEST_F(UpstreamGenerator, ThinkingUntilTheEndIsAnError) {
  use_llama_cpp({"<think>on and on"});
  EXPECT_EQ(ask("Why?").error().code, ErrorCode::kLimit);
  server_.on("/v1/chat/completions",
             answer_with(200, "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"on\"}}]}\n\n"
                              "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n",
                         "text/event-stream"));
  const auto result = ask("Why?");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
  EXPECT_TRUE(contains(result.error().message, "model.thinking")) << result.error().message;
}

TEST_F(UpstreamGenerator, IdentityHoldsWhatChangesTheTextAndNotTheAddress) {
  use_ollama({"yes [1]."});
  const std::string identity = generator_->info().identity;
  EXPECT_TRUE(identity.starts_with("ollama/qwen3:0.6b/7df6b6e09427")) << identity;
  EXPECT_EQ(generator_->info().name, "ollama:qwen3:0.6b");
  EXPECT_EQ(ask("Is it?")->identity, identity);
  ScriptedServer elsewhere;
  act_as_ollama(elsewhere, {}, {});
  UpstreamOptions options = upstream_options(UpstreamKind::kOllama, elsewhere.url());
  EXPECT_EQ(make_upstream_generator(open_upstream(options))->info().identity, identity);
  options.temperature = 0.5;
  EXPECT_NE(make_upstream_generator(open_upstream(options))->info().identity, identity);
  options = upstream_options(UpstreamKind::kOllama, url_without_server());
  const std::string unknown = make_upstream_generator(open_upstream(options))->info().identity;
  EXPECT_NE(unknown, identity) << "what is not known is not taken for the same";
}

TEST_F(UpstreamGenerator, PassagesThatDoNotFitAreLeftOutByTheServersOwnCount) {
  std::string words;
  for (int i = 0; i < 300; ++i) words += "extraordinarily ";
  const std::vector<Passage> passages(4, Passage{.text = words, .title = "T"});
  // By the estimate a passage has 1,500 tokens, by the server's count 300: room for three of four and a part.
  use_llama_cpp({"yes [1]."}, {.n_context = 1'500});
  ASSERT_TRUE(ask("What?", passages).ok());
  EXPECT_FALSE(server_.requests("/tokenize").empty());
  EXPECT_TRUE(contains(user_text("/v1/chat/completions"), "[3] "));
  EXPECT_FALSE(contains(user_text("/v1/chat/completions"), "[5] "));
}

TEST_F(UpstreamGenerator, AShortPromptIsNotCountedByTheServer) {
  use_llama_cpp({"yes [1]."});
  ASSERT_TRUE(ask("What?").ok());
  EXPECT_EQ(server_.requests("/tokenize").size(), 1U) << "only the one that finds out whether it can";
}

TEST_F(UpstreamGenerator, SilentTruncationIsFoundOut) {
  std::string words;
  for (int i = 0; i < 500; ++i) words += "word ";
  const std::vector<Passage> passages(1, Passage{.text = words, .title = "T"});
  use_ollama({"A confident answer [1]."}, {.n_prompt_tokens = 260});
  const auto result = ask("What?", passages);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
  EXPECT_TRUE(contains(result.error().message, "read only 260 tokens")) << result.error().message;
  EXPECT_EQ(upstream_->counts().n_truncated, 1);
}

TEST_F(UpstreamGenerator, AnEmptyAnswerOfAServerThatCutIsAnError) {
  use_llama_cpp({});
  const auto result = ask("What?");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kMalformed);
  EXPECT_TRUE(contains(result.error().message, "empty answer")) << result.error().message;
}

TEST_F(UpstreamGenerator, StoppingStopsTheServer) {
  use_llama_cpp({});
  server_.on("/v1/chat/completions", [](const ScriptedRequest&, ScriptedWire& wire) {
    wire.send(chunked_head("text/event-stream") +
              chunk_of("data: {\"choices\":[{\"delta\":{\"content\":\"Every employee has 28 days [1]\"}}]}\n\n"));
    if (wire.wait_for_close()) wire.close();
  });
  const CancelToken cancel;
  const auto result = generator_->generate({.question = "What?", .passages = kPassages},
                                           [&](std::string_view) { return cancel.cancel(), true; }, cancel);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(server_.wait_for_closed(1));
}

}  // namespace
}  // namespace docmind::providers
