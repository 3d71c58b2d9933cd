// Ollama's environment, drop-in and Modelfile.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "providers/config_writer.h"
#include "support/config_text.h"
#include "support/sample_plan.h"

namespace docmind::providers {
namespace {

using control::PlanProvider;
using test::contains;
using test::has_line;
using test::sample_plan;

std::string ollama(const ConfigWriterOptions& options, const control::PlanChoice& plan) {
  return test::config_of(plan, PlanProvider::kOllama, options);
}
std::string ollama(const ConfigWriterOptions& options) { return ollama(options, sample_plan(PlanProvider::kOllama)); }
std::string refused(const ConfigWriterOptions& options) {
  return test::refusal_of(sample_plan(PlanProvider::kOllama), PlanProvider::kOllama, options);
}

TEST(ConfigOllama, WritesTheWholeEnvironment) {
  control::PlanChoice plan = sample_plan(PlanProvider::kOllama);
  plan.concurrent = 2;
  test::recount_plan(plan, 8.5);
  const std::string env = ollama({.form = ConfigForm::kEnv, .port = 11'500}, plan);
  const std::vector<std::string> expected = {
      "OLLAMA_FLASH_ATTENTION=1",   "OLLAMA_KV_CACHE_TYPE=q8_0",  "OLLAMA_CONTEXT_LENGTH=32768",
      "OLLAMA_NUM_PARALLEL=2",      "OLLAMA_MAX_LOADED_MODELS=1", "OLLAMA_KEEP_ALIVE=-1",
      "OLLAMA_HOST=127.0.0.1:11500"};
  EXPECT_EQ(test::setting_lines(env), expected) << env;
  EXPECT_TRUE(contains(env, "2 x 32,768 tokens")) << env;
}

TEST(ConfigOllama, LeavesFlashAttentionToOllamaWithoutQuantizedKv) {
  control::PlanChoice plan = sample_plan(PlanProvider::kOllama, "f16", 16);
  const std::string env = ollama({.form = ConfigForm::kEnv}, plan);
  EXPECT_FALSE(contains(env, "OLLAMA_FLASH_ATTENTION=")) << env;
  EXPECT_FALSE(contains(env, "OLLAMA_KV_CACHE_TYPE=")) << env;
}

TEST(ConfigOllama, WritesADropInForTheUnitThatOllamaComesWith) {
  const std::string text = ollama({.form = ConfigForm::kSystemd});
  EXPECT_TRUE(contains(text, "/etc/systemd/system/ollama.service.d/docmind.conf")) << text;
  const std::vector<std::string> lines = test::setting_lines(text);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0], "[Service]");
  for (size_t i = 1; i < lines.size(); ++i) EXPECT_TRUE(lines[i].starts_with("Environment=OLLAMA_")) << lines[i];
  EXPECT_TRUE(has_line(text, "Environment=OLLAMA_KV_CACHE_TYPE=q8_0")) << text;
}

TEST(ConfigOllama, WritesAModelfileFromTheLibraryOrAFile) {
  const std::string library = ollama({.form = ConfigForm::kModelfile, .threads = 8, .extra = {"temperature=0.6"}});
  EXPECT_EQ(test::setting_lines(library),
            (std::vector<std::string>{"FROM qwen3:14b", "PARAMETER num_ctx 32768", "PARAMETER num_thread 8",
                                      "PARAMETER temperature 0.6"}));
  const auto from = [](const std::string& path) {
    return test::setting_lines(ollama({.form = ConfigForm::kModelfile, .model_path = path}))[0];
  };
  EXPECT_EQ(from("/models/my model.gguf"), "FROM /models/my model.gguf");
  EXPECT_EQ(from("model.gguf"), "FROM ./model.gguf") << "else a name of the library";
  EXPECT_EQ(from("/m/x.gguf "), "FROM \"/m/x.gguf \"");
  EXPECT_EQ(from("-x.gguf"), "FROM ./-x.gguf");
  EXPECT_TRUE(contains(refused({.model_path = "/m/\"x\" "}), "cannot stand in a Modelfile"));
}

TEST(ConfigOllama, NamesTheTagOfOtherWeightsOrAFileToReplace) {
  control::PlanChoice plan = sample_plan(PlanProvider::kOllama);
  plan.weights = "Q8_0";
  EXPECT_TRUE(has_line(ollama({.form = ConfigForm::kModelfile}, plan), "FROM qwen3:14b-q8_0"));
  plan.weights = "Q5_K_M";
  const std::string text = ollama({.form = ConfigForm::kModelfile}, plan);
  EXPECT_TRUE(has_line(text, "FROM /path/to/qwen3-14b-Q5_K_M.gguf")) << text;
  EXPECT_TRUE(contains(text, "WARNING: replace")) << text;
}

TEST(ConfigOllama, FurtherSettingsReplaceThoseThatNoPlanDecides) {
  const std::string env =
      ollama({.form = ConfigForm::kEnv, .extra = {"OLLAMA_KEEP_ALIVE=30m", "OLLAMA_ORIGINS=http://a b"}});
  EXPECT_TRUE(has_line(env, "OLLAMA_KEEP_ALIVE=30m")) << env;
  EXPECT_FALSE(has_line(env, "OLLAMA_KEEP_ALIVE=-1")) << env;
  EXPECT_TRUE(has_line(env, "OLLAMA_ORIGINS='http://a b'")) << env;
  EXPECT_TRUE(contains(refused({.extra = {"OLLAMA_CONTEXT_LENGTH=8192"}}), "the plan decides"));
  EXPECT_TRUE(contains(refused({.extra = {"OLLAMA_KEEP_ALIVE=soon"}}), "30m"));
  EXPECT_TRUE(contains(refused({.extra = {"OLLAMA_KEEP_ALIVE"}}), "needs a value"));
  EXPECT_TRUE(contains(refused({.extra = {"num_thread=0"}}), "from 1 to 1024"));
  EXPECT_TRUE(contains(refused({.extra = {"stop=\"x"}}), "cannot stand in a Modelfile"));
}

TEST(ConfigOllama, OldVersionsHaveFewerVariables) {
  const std::string env = ollama({.form = ConfigForm::kEnv, .version = "0.5.12"});
  EXPECT_FALSE(contains(env, "OLLAMA_CONTEXT_LENGTH=")) << env;
  EXPECT_TRUE(contains(env, "WARNING: Ollama 0.5.12 has no OLLAMA_CONTEXT_LENGTH")) << env;
  EXPECT_TRUE(contains(refused({.version = "0.4.7"}), "0.5.0"));
}

TEST(ConfigOllama, ARerankerHasNoPlaceThere) {
  control::PlanChoice plan = sample_plan(PlanProvider::kOllama);
  plan.with_rag = true;
  const std::string text = ollama({}, plan);
  EXPECT_TRUE(has_line(text, "OLLAMA_MAX_LOADED_MODELS=2")) << text;
  EXPECT_TRUE(contains(text, "no endpoint for reranking")) << text;
}

}  // namespace
}  // namespace docmind::providers
