// Ollama's native interface: shapes, lines, counts, refusals.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "server/dialect_bed.h"
#include "server/ollama.h"

namespace docmind::server::test {
namespace {

json::object chat_body() {
  return {{"model", "nano:latest"},
          {"messages", json::array{json::object{{"role", "user"}, {"content", "Hi"}}}},
          {"options", json::object{{"num_predict", 8}, {"seed", 3}}}};
}

TEST(Ollama, StreamsLinesByDefaultAndTheSameWhole) {
  DialectBed bed;
  json::object body = chat_body();
  const Reply streamed = bed.post("/api/chat", body);
  ASSERT_TRUE(streamed.streamed) << streamed.body;
  EXPECT_EQ(streamed.content_type, "application/x-ndjson");
  std::string text;
  for (const json::object& line : streamed.events()) {
    EXPECT_EQ(text_at(line, "model"), "nano:latest");
    EXPECT_TRUE(text_at(line, "created_at").ends_with("Z"));
    text += text_at(line.at("message").as_object(), "content");
  }
  const json::object last = streamed.events().back();
  EXPECT_TRUE(last.at("done").as_bool());
  EXPECT_FALSE(text_at(last, "done_reason").empty());
  for (const char* name : {"total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count",
                           "eval_duration"}) {
    EXPECT_TRUE(last.at(name).is_int64() && last.at(name).as_int64() >= 0) << name;
  }
  body["stream"] = false;
  const Reply whole = bed.post("/api/chat", body);
  EXPECT_FALSE(whole.streamed);
  EXPECT_EQ(whole.json().at("message").at("content").as_string(), text);
  EXPECT_EQ(whole.json().at("eval_count"), last.at("eval_count"));
}

TEST(Ollama, GeneratesRawAndOfASchema) {
  DialectBed bed;
  const json::object options{{"num_predict", 100}, {"seed", 3}};
  const Reply raw = bed.post("/api/generate", json::object{{"model", "nano"}, {"prompt", "Once"}, {"raw", true},
                                                           {"stream", false}, {"options", options}});
  ASSERT_EQ(raw.status, 200) << raw.body;
  EXPECT_TRUE(raw.json().at("response").is_string());
  const Reply shaped = bed.post("/api/generate", json::object{{"model", "nano"}, {"prompt", "x"}, {"stream", false},
      {"options", options}, {"format", json::parse(R"({"type":"object","required":["a"],"additionalProperties":false,
      "properties":{"a":{"enum":["p","q"]}}})")}});
  EXPECT_TRUE(json::parse(shaped.json().at("response").as_string()).at("a").is_string()) << shaped.body;
  EXPECT_EQ(bed.post("/api/generate", json::object{{"model", "nano"}}).json().at("done_reason"), "load");
  EXPECT_EQ(bed.post("/api/chat", json::object{{"model", "nano"}, {"keep_alive", 0}}).json().at("done_reason"),
            "unload");
}

TEST(Ollama, ToolCallsHaveArgumentsAsAnObject) {
  DialectBed bed;
  json::object body = chat_body();
  body["tools"] =
      json::parse(R"([{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}])");
  body["stream"] = false;
  body["messages"] = json::parse(R"([{"role":"user","content":"x"},
      {"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},
      {"role":"tool","content":"21","tool_name":"f"}])");
  EXPECT_EQ(bed.post("/api/chat", body).status, 200);
}

TEST(Ollama, TellsOfItsModels) {
  DialectBed bed;
  const json::array tags = bed.call("GET", "/api/tags").json().at("models").as_array();
  ASSERT_GE(tags.size(), 4u);
  EXPECT_EQ(tags[0].at("name"), "nano:latest");
  EXPECT_EQ(tags[0].at("digest").as_string().size(), 64u);
  EXPECT_FALSE(text_at(tags[0].at("details").as_object(), "family").empty());
  const json::array loaded = bed.call("GET", "/api/ps").json().at("models").as_array();
  EXPECT_EQ(loaded.size(), 3u);
  EXPECT_EQ(loaded[0].at("context_length").as_int64(), 2'048);
  const Reply shown = bed.post("/api/show", json::object{{"model", "nano"}});
  ASSERT_EQ(shown.status, 200) << shown.body;
  const json::array capabilities = shown.json().at("capabilities").as_array();
  EXPECT_EQ(capabilities, (json::array{"completion", "tools", "thinking"}));
  EXPECT_EQ(bed.post("/api/show", json::object{{"name", "docmind"}}).status, 200);
  EXPECT_EQ(bed.post("/api/show", json::object{{"model", "nowhere"}}).status, 404);
  EXPECT_EQ(bed.call("GET", "/api/version").json().at("version"), "1.2.3");
}

TEST(Ollama, EmbedsAndSaysWhatWasCut) {
  DialectBed bed;
  const Reply both =
      bed.post("/api/embed", json::object{{"model", "nano-embed"}, {"input", json::array{"one", "two"}}});
  EXPECT_EQ(both.json().at("embeddings").as_array().size(), 2u) << both.body;
  const Reply one = bed.post("/api/embeddings", json::object{{"model", "nano-embed"}, {"prompt", "one"}});
  EXPECT_EQ(one.json().at("embedding"), both.json().at("embeddings").at(0));
  EXPECT_TRUE(bed.post("/api/embed", json::object{{"model", "nano-embed"}}).json().at("embeddings").as_array().empty());
  std::string text;
  for (int i = 0; i < 200; ++i) text += "pump ";
  const Reply cut = bed.post("/api/embed", json::object{{"input", text}});
  EXPECT_GT(cut.json().at("truncated_tokens").as_int64(), 0);
  EXPECT_FALSE(cut.header("x-docmind-truncated-tokens").empty());
  const Reply refused = bed.post("/api/embed", json::object{{"input", text}, {"truncate", false}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(refused.json().at("error").is_string());
}

TEST(Ollama, RefusesWithASentence) {
  DialectBed bed;
  const auto refuse = [&](std::string_view name, const json::value& value) {
    json::object body = chat_body();
    body[name] = value;
    const Reply reply = bed.post("/api/chat", body);
    EXPECT_TRUE(reply.json().at("error").is_string()) << name;
    return std::to_string(reply.status) + " " + std::string(reply.json().at("error").as_string());
  };
  EXPECT_TRUE(refuse("model", "llama9").starts_with("404"));
  const std::string context = refuse("options", json::object{{"num_ctx", 1 << 20}});
  EXPECT_TRUE(context.starts_with("400") && context.find("1048576") != std::string::npos &&
              context.find("2048") != std::string::npos) << context;
  EXPECT_TRUE(refuse("template", "{{ x }}").starts_with("400"));
  EXPECT_TRUE(refuse("format", "xml").starts_with("400"));
  EXPECT_TRUE(refuse("think", 3).starts_with("400"));
  EXPECT_TRUE(refuse("messages", json::parse(R"([{"role":"user","content":"x","images":["a"]}])")).starts_with("400"));
  EXPECT_TRUE(refuse("options", json::object{{"temperature", "hot"}}).starts_with("400"));
  const Reply pull = bed.post("/api/pull", json::object{{"model", "x"}});
  EXPECT_EQ(pull.status, 501);
  EXPECT_NE(std::string(pull.json().at("error").as_string()).find("docmind models pull"), std::string::npos);
  EXPECT_EQ(bed.post("/api/generate", json::object{{"prompt", "x"}, {"context", json::array{1}}}).status, 400);
}

TEST(Ollama, AsksTheDocuments) {
  DialectBed bed;
  json::object body{{"model", "docmind"},
                    {"messages", json::array{json::object{{"role", "user"}, {"content", "How heavy?"}}}}};
  std::string text;
  for (const json::object& line : bed.post("/api/chat", body).events()) {
    text += text_at(line.at("message").as_object(), "content");
  }
  EXPECT_EQ(text, "The pump weighs \"40\" kg. [1]");
  body["stream"] = false;
  EXPECT_EQ(bed.post("/api/chat", body).json().at("docmind").at("citations").as_array().size(), 1u);
}

TEST(Ollama, ItsClientsAreNoBrowsers) {
  HttpRequest request;
  EXPECT_TRUE(wants_ollama_banner(request));
  request.headers = {{"accept", "*/*"}};
  EXPECT_TRUE(wants_ollama_banner(request));
  request.headers = {{"accept", "text/html,application/xhtml+xml"}};
  EXPECT_FALSE(wants_ollama_banner(request));
}

TEST(LlamaCpp, PropsSlotsAndTokens) {
  DialectBed bed;
  const json::value props = bed.call("GET", "/props").json();
  EXPECT_EQ(props.at("default_generation_settings").at("n_ctx").as_int64(), 2'048);
  EXPECT_EQ(props.at("model_alias"), "nano");
  EXPECT_EQ(props.at("chat_template"), kQwen3Template);
  EXPECT_GT(props.at("total_slots").as_int64(), 0);
  EXPECT_EQ(bed.call("GET", "/slots").json().as_array().size(),
            static_cast<size_t>(props.at("total_slots").as_int64()));
  const json::value tokens = bed.post("/tokenize", json::object{{"content", "Once more"}}).json().at("tokens");
  EXPECT_EQ(bed.post("/detokenize", json::object{{"tokens", tokens}}).json().at("content"), "Once more");
  const json::value pieces =
      bed.post("/tokenize", json::object{{"content", "Once"}, {"with_pieces", true}}).json().at("tokens");
  EXPECT_TRUE(pieces.at(0).at("piece").is_string());
  EXPECT_EQ(bed.post("/detokenize", json::object{{"tokens", json::array{-1}}}).status, 400);
  const Reply prompt = bed.post(
      "/apply-template", json::object{{"messages", json::array{json::object{{"role", "user"}, {"content", "Hi"}}}}});
  EXPECT_NE(std::string(prompt.json().at("prompt").as_string()).find("<|im_start|>user\nHi<|im_end|>"),
            std::string::npos)
      << prompt.body;
}

}  // namespace
}  // namespace docmind::server::test
