// The command line, environment and units of llama.cpp's server.
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

std::string llama(const ConfigWriterOptions& options, const control::PlanChoice& plan) {
  return test::config_of(plan, PlanProvider::kLlamaCpp, options);
}
std::string llama(const ConfigWriterOptions& options) { return llama(options, sample_plan(PlanProvider::kLlamaCpp)); }
std::string refused(const ConfigWriterOptions& options) {
  return test::refusal_of(sample_plan(PlanProvider::kLlamaCpp), PlanProvider::kLlamaCpp, options);
}

TEST(ConfigLlamaCpp, WritesTheWholeCommandLine) {
  control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp);
  plan.concurrent = 3;
  test::recount_plan(plan, 8.5);
  const std::string shell = llama({.form = ConfigForm::kShell, .model_path = "/m/it's 1.gguf", .threads = 6}, plan);
  const std::vector<std::string> expected = {
      "args=(", "-m '/m/it'\\''s 1.gguf'", "-c 98304", "-np 3", "-ctk q8_0", "-ctv q8_0", "-fa on", "-ngl 999", "-t 6",
      "--jinja", "--host 127.0.0.1", "--port 8080", ")", "exec llama-server \"${args[@]}\""};
  EXPECT_EQ(test::setting_lines(shell), expected) << shell;
  EXPECT_TRUE(shell.starts_with("#!/usr/bin/env bash\n"));
  EXPECT_TRUE(contains(shell, "32,768 tokens for each of 3 sequences")) << shell;
}

TEST(ConfigLlamaCpp, WritesTheSameAsVariables) {
  const std::string env = llama({.form = ConfigForm::kEnv, .model_path = "/m/a.gguf"});
  const std::vector<std::string> expected = {
      "LLAMA_ARG_MODEL=/m/a.gguf",     "LLAMA_ARG_CTX_SIZE=32768",    "LLAMA_ARG_N_PARALLEL=1",
      "LLAMA_ARG_CACHE_TYPE_K=q8_0",   "LLAMA_ARG_CACHE_TYPE_V=q8_0", "LLAMA_ARG_FLASH_ATTN=on",
      "LLAMA_ARG_N_GPU_LAYERS=999",    "LLAMA_ARG_JINJA=1",           "LLAMA_ARG_HOST=127.0.0.1",
      "LLAMA_ARG_PORT=8080"};
  EXPECT_EQ(test::setting_lines(env), expected) << env;
}

TEST(ConfigLlamaCpp, WritesAUnitThatIsADropInAsWell) {
  const std::string unit = llama({.form = ConfigForm::kSystemd, .model_path = "/m/50%$x \"y\".gguf"});
  EXPECT_TRUE(contains(unit, "/etc/systemd/system/llama-server.service")) << unit;
  EXPECT_TRUE(contains(unit, "\nExecStart=\nExecStart=/usr/bin/env llama-server \\\n")) << unit;
  EXPECT_TRUE(has_line(unit, "-m \"/m/50%%$$x \\\"y\\\".gguf\" \\")) << unit;
  EXPECT_TRUE(contains(unit, "# -ctk: keys\n")) << unit;
}

TEST(ConfigLlamaCpp, LeavesDefaultsOfKeysAndValuesOut) {
  const std::string shell = llama({.form = ConfigForm::kShell}, sample_plan(PlanProvider::kLlamaCpp, "f16", 16));
  EXPECT_FALSE(contains(shell, "-ctk") || contains(shell, "-ctv")) << shell;
}

TEST(ConfigLlamaCpp, TakesAnyPairOfItsNineTypes) {
  const auto pair = [](const char* kv) { return llama({.form = ConfigForm::kShell, .kv = kv}); };
  EXPECT_TRUE(has_line(pair("q5_1/q5_0"), "-ctv q5_0"));
  EXPECT_TRUE(contains(pair("iq4_nl"), "no attention kernel for iq4_nl"));
  EXPECT_TRUE(contains(pair("q5_1"), "GGML_CUDA_FA_QUANTS=\"q5_1-q5_1\""));
  EXPECT_FALSE(contains(pair("q4_0"), "GGML_CUDA_FA")) << "in every build";
  EXPECT_TRUE(contains(refused({.kv = "q8_1"}), "did you mean 'q8_0'?"));
  EXPECT_TRUE(contains(refused({.kv = "q8_0/q4_K_M"}), "format of weights"));
  EXPECT_TRUE(contains(refused({.kv = "q8_0/"}), "no KV format ''"));
  control::PlanChoice on_cpu = sample_plan(PlanProvider::kLlamaCpp, "k8v4", 6.5);
  on_cpu.device.gpu = false;
  const std::string cpu = llama({.form = ConfigForm::kShell}, on_cpu);
  EXPECT_TRUE(has_line(cpu, "-ngl 0")) << cpu;
  EXPECT_FALSE(contains(cpu, "GGML_CUDA")) << cpu;
}

TEST(ConfigLlamaCpp, TellsOfTheRotationOfHeads) {
  EXPECT_TRUE(contains(llama({}), "LLAMA_ATTN_ROT_DISABLE=1"));
  control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp);
  plan.model.head_dim = 96;
  test::recount_plan(plan, 8.5);
  EXPECT_TRUE(contains(llama({}, plan), "heads of 96 elements are not rotated"));
}

TEST(ConfigLlamaCpp, OlderBuildsNeedMoreOrOtherFlags) {
  const control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp, "int4", 4.5, 131'072);
  const auto shell = [&](const char* version) {
    return llama({.form = ConfigForm::kShell, .version = version}, plan);
  };
  constexpr std::string_view kOverride = "--override-kv qwen3.context_length=int:131072";
  EXPECT_TRUE(has_line(shell("b10256"), kOverride)) << shell("b10256");
  EXPECT_TRUE(has_line(shell(""), kOverride)) << "harmless where it is not needed";
  EXPECT_FALSE(has_line(shell("b10754"), kOverride));
  EXPECT_TRUE(has_line(shell("b5000"), "-fa"));
  EXPECT_TRUE(has_line(shell("b10754"), "-fa on"));
  const std::string env = llama({.form = ConfigForm::kEnv, .version = "10256"}, plan);
  EXPECT_TRUE(contains(env, "on the command line: --override-kv")) << env;
  EXPECT_TRUE(contains(refused({.version = "b5000", .extra = {"--load-mode=none"}}), "b10256"));
  EXPECT_TRUE(has_line(llama({.form = ConfigForm::kShell, .version = "b5000", .extra = {"--no-mmap"}}), "--no-mmap"));
  EXPECT_TRUE(contains(refused({.extra = {"--no-mmap"}}), "--set load-mode=none"));
}

TEST(ConfigLlamaCpp, TakesSettingsInEverySpelling) {
  for (const char* spelling :
       {"--ubatch-size=1024", "ubatch-size=1024", "-ub=1024", "ub=1024", "LLAMA_ARG_UBATCH=1024"}) {
    const ConfigWriterOptions options{.form = ConfigForm::kShell, .extra = {spelling}};
    EXPECT_TRUE(has_line(llama(options), "--ubatch-size 1024")) << spelling;
  }
  EXPECT_TRUE(has_line(llama({.form = ConfigForm::kEnv, .extra = {"metrics"}}), "LLAMA_ARG_ENDPOINT_METRICS=1"));
  const std::string shell = llama({.form = ConfigForm::kShell, .extra = {"LLAMA_ATTN_ROT_DISABLE=1"}});
  EXPECT_TRUE(has_line(shell, "export LLAMA_ATTN_ROT_DISABLE=1")) << shell;
  EXPECT_TRUE(contains(refused({.extra = {"-ub=many"}}), "a whole number from 1 to"));
  EXPECT_TRUE(contains(refused({.extra = {"metrics=yes"}}), "it is a switch"));
  EXPECT_TRUE(contains(refused({.extra = {"load-mode=mlocks"}}), "one of auto|none|mmap"));
  EXPECT_TRUE(contains(refused({.extra = {"-c=8192"}}), "the plan decides '--ctx-size'"));
}

TEST(ConfigLlamaCpp, EmbedderAndRerankerAreServersOfTheirOwn) {
  control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp);
  plan.with_rag = true;
  const std::string shell = llama({.form = ConfigForm::kShell, .port = 9000}, plan);
  for (const char* line : {"--embedding", "--pooling cls", "--reranking", "--port 9000", "--port 9001", "--port 9002",
                           "llama-server \"${args1[@]}\" &", "llama-server \"${args3[@]}\""}) {
    EXPECT_TRUE(has_line(shell, line)) << line << " in\n" << shell;
  }
  const std::string units = llama({.form = ConfigForm::kSystemd}, plan);
  for (const char* unit : {"llama-server.service", "llama-embedder.service", "llama-reranker.service"}) {
    EXPECT_TRUE(contains(units, std::string("# ==== /etc/systemd/system/") + unit + " ====")) << units;
  }
}

}  // namespace
}  // namespace docmind::providers
