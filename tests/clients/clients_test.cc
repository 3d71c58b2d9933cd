// Official clients, unmodified, against the real server with small random models.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "support/docmind.h"
#include "support/model_writer.h"
#include "support/node_tests.h"
#include "support/sample_docs.h"
#include "support/served.h"

namespace docmind::test {
namespace {

std::string clients_folder() { return std::string(DOCMIND_SOURCE_DIR) + "/tests/clients"; }

// ChatML with tools, as Qwen has them.
constexpr const char* kTemplate =
    "{% if tools %}<tools>{% endif %}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>'}}{% endfor %}";

class Clients : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(clients_folder() + "/node_modules")) {
      GTEST_SKIP() << "the clients are not installed: ./scripts/setup.sh test installs them where npm is";
    }
    box_.env["DOCMIND_MODEL_THREADS"] = "1";
    ModelSpec encoder{.architecture = Architecture::kBert, .n_kv_heads = 4, .pooling = 2};
    write(encoder, "embedder.gguf");
    encoder.pooling = 4;
    encoder.classifier = true;
    write(encoder, "reranker.gguf");
    write({.n_context = 2'048, .extra_metadata = [](gguf::Writer& writer) {
             writer.add("tokenizer.chat_template", kTemplate);
           }},
          "generator.gguf");
    write_sample_docs(box_);
    box_.index(0, {"--embedder", box_.folder.path("embedder.gguf")});
  }

  void write(const ModelSpec& spec, const std::string& name) {
    const Result<std::string> path = write_model(spec, box_.folder.path(name));
    ASSERT_TRUE(path.ok()) << path.error().message;
  }

  // Runs the script's tests against a server, which then still answers and ends well.
  void run(const std::string& script, const std::string& key = {}) {
    if (!key.empty()) box_.env["DOCMIND_API_KEYS"] = key + ":local:test";
    const Served served(box_, {"--model", box_.folder.path("generator.gguf"), "--embedder",
                               box_.folder.path("embedder.gguf"), "--reranker", box_.folder.path("reranker.gguf")});
    ASSERT_FALSE(served.url().empty());
    std::map<std::string, std::string> env{{"DOCMIND_URL", served.url()}};
    if (!key.empty()) env["DOCMIND_KEY"] = key;
    run_node_tests(box_, clients_folder(), {script}, env);
  }

  Sandbox box_;
};

TEST_F(Clients, OpenAi) { run("openai.test.mjs", "sk-test-1234567890"); }
TEST_F(Clients, Ollama) { run("ollama.test.mjs"); }
TEST_F(Clients, Rerank) { run("rerank.test.mjs", "sk-test-1234567890"); }
TEST_F(Clients, LangChain) { run("langchain.test.mjs"); }
TEST_F(Clients, Prometheus) { run("metrics.test.mjs"); }
TEST_F(Clients, OpenApiDocument) { run("openapi.test.mjs", "sk-test-1234567890"); }

TEST_F(Clients, HuggingFaceGguf) {
  write({.type = kernels::TensorType::kF16, .n_layers = 3}, "floats.gguf");
  const std::string quantized = box_.folder.path("quantized.gguf");
  const ProcessResult made =
      box_.run({"quantize", box_.folder.path("floats.gguf"), quantized, "--type", "q4_k_m", "--force"});
  ASSERT_EQ(made.code, 0) << made.err;
  run_node_tests(box_, clients_folder(), {"gguf.test.mjs"},
                 {{"DOCMIND_GGUF", box_.folder.path("generator.gguf")}, {"DOCMIND_QUANTIZED_GGUF", quantized}});
}

}  // namespace
}  // namespace docmind::test
