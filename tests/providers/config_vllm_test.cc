// vLLM's command line by version, and the repositories that it serves.
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

// 16-bit weights on a card that holds them.
control::PlanChoice large_plan(int64_t context = 32'768) {
  control::PlanChoice plan = sample_plan(PlanProvider::kVllm, "int8", 8.5, context);
  plan.device = {.name = "80 GiB card", .gpu = true, .memory_bytes = 80 * test::kGibibyte,
                 .usable_bytes = 79 * test::kGibibyte, .bandwidth_gb_per_s = 2000};
  test::recount_plan(plan, 8.5);
  plan.weights = "F16";
  return plan;
}

std::string vllm(const ConfigWriterOptions& options, const control::PlanChoice& plan) {
  return test::config_of(plan, PlanProvider::kVllm, options);
}
std::string refused(const ConfigWriterOptions& options, const control::PlanChoice& plan = large_plan()) {
  return test::refusal_of(plan, PlanProvider::kVllm, options);
}

TEST(ConfigVllm, WritesTheWholeCommandLine) {
  control::PlanChoice plan = large_plan();
  plan.concurrent = 4;
  const std::string shell = vllm({.form = ConfigForm::kShell, .extra = {"--enforce-eager", "HF_HOME=/data/hf"}}, plan);
  const std::vector<std::string> expected = {"export HF_HOME=/data/hf", "args=(", "--max-model-len 32768",
                                             "--max-num-seqs 4", "--kv-cache-dtype int8_per_token_head",
                                             "--gpu-memory-utilization 0.98", "--host 127.0.0.1", "--port 8000",
                                             "--enforce-eager", ")", "exec vllm serve Qwen/Qwen3-14B \"${args[@]}\""};
  EXPECT_EQ(test::setting_lines(shell), expected) << shell;
}

TEST(ConfigVllm, ScalesPositionsAsItsVersionWants) {
  const auto line = [](const char* version, std::string_view flag) {
    const std::string shell = vllm({.form = ConfigForm::kShell, .version = version}, large_plan(131'072));
    for (std::string& text : test::setting_lines(shell)) {
      if (text.starts_with(flag)) return std::move(text);
    }
    return std::string();
  };
  EXPECT_EQ(line("0.28.0", "--hf-overrides"),
            R"(--hf-overrides '{"rope_parameters":{"rope_type":"yarn","factor":4.0,)"
            R"("original_max_position_embeddings":32768,"rope_theta":1000000}}')");
  EXPECT_TRUE(contains(line("0.11.2", "--hf-overrides"), R"({"rope_scaling":{)"));
  EXPECT_TRUE(contains(line("0.10.0", "--rope-scaling"), R"('{"rope_type":"yarn")"));
  EXPECT_EQ(line("0.10.0", "--hf-overrides"), "");
  control::PlanChoice rewritten = large_plan(131'072);
  rewritten.model.file_context = 131'072;  // of a GGUF; the repository has the model's own
  EXPECT_TRUE(contains(vllm({.form = ConfigForm::kShell}, rewritten), "rope_parameters"));
}

TEST(ConfigVllm, NamesTheUsualRepositoryOfQuantizedWeights) {
  const Result<WrittenConfig> four = write_config(sample_plan(PlanProvider::kVllm), PlanProvider::kVllm, {});
  ASSERT_TRUE(four.ok()) << four.error().message;
  EXPECT_TRUE(contains(four->text, "exec vllm serve Qwen/Qwen3-14B-AWQ")) << four->text;
  ASSERT_FALSE(four->warnings.empty());
  EXPECT_TRUE(contains(four->warnings[0], "The name was not looked up")) << four->warnings[0];
  control::PlanChoice eight = large_plan();
  eight.weights = "Q8_0";
  EXPECT_TRUE(contains(vllm({}, eight), "Qwen/Qwen3-14B-FP8"));
  eight.weights = "Q3_K_M";
  EXPECT_TRUE(contains(refused({}, eight), "'Q3_K_M', a GGUF type"));
  eight.weights = "Q4_K_M";
  EXPECT_TRUE(contains(vllm({.model_path = "me/my-awq"}, eight), "exec vllm serve me/my-awq"));
  EXPECT_TRUE(contains(refused({.model_path = "/m/a.gguf"}), "vllm-gguf-plugin"));
  eight.model.hugging_face = "";
  EXPECT_TRUE(contains(refused({}, eight), "--model-file"));
  eight.model.hugging_face = "a/b; rm -rf";
  EXPECT_TRUE(contains(refused({}, eight), "--model-file"));
}

TEST(ConfigVllm, CountsTheMemoryOfThoseWeights) {
  control::PlanChoice plan = sample_plan(PlanProvider::kVllm);
  plan.device.usable_bytes = plan.total_bytes + (100LL << 20);  // AWQ keeps embeddings in 16 bits and needs more
  plan.missing_bytes = -(100LL << 20);
  const std::string refusal = test::refusal_of(plan, PlanProvider::kVllm, {}, ErrorCode::kLimit);
  EXPECT_TRUE(contains(refusal, "does not fit")) << refusal;
}

TEST(ConfigVllm, RefusesFormatsThatItRejects) {
  EXPECT_TRUE(contains(refused({.kv = "fp4"}), "takes auto, "));
  EXPECT_TRUE(contains(refused({.kv = "int8_per_tokenhead"}), "did you mean 'int8_per_token_head'?"));
  EXPECT_TRUE(contains(refused({.version = "0.14.0", .kv = "int8_per_token_head"}), "0.20.0"));
  EXPECT_TRUE(contains(vllm({.version = "0.26.0", .kv = "k8v4"}, large_plan()), "Unknown TurboQuant cache dtype"));
  EXPECT_TRUE(contains(refused({.extra = {"--kv-cache-dtype=int8"}}), "the plan decides"));
  EXPECT_TRUE(contains(refused({.threads = 8}), "VLLM_CPU_OMP_THREADS_BIND"));
  EXPECT_TRUE(contains(refused({.extra = {"--swap-space=4"}}), "kv-offloading-size"));
  EXPECT_TRUE(contains(refused({.version = "0.10.0", .extra = {"--attention-backend=FLASH_ATTN"}}), "0.13.0"));
  EXPECT_TRUE(contains(refused({.extra = {"--attention-backend=XFORMERS"}}), "FLASH_ATTN|"));
}

TEST(ConfigVllm, OnACpuTheCacheHasAVariable) {
  control::PlanChoice plan = large_plan();
  plan.device.gpu = false;
  EXPECT_TRUE(contains(refused({}, plan), "needs a GPU"));
  plan.kv = "f16";
  const std::string env = vllm({.form = ConfigForm::kEnv}, plan);
  EXPECT_TRUE(has_line(env, "VLLM_CPU_KVCACHE_SPACE=3")) << env;
  EXPECT_FALSE(contains(env, "gpu-memory-utilization")) << env;
}

}  // namespace
}  // namespace docmind::providers
