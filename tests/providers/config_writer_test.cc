// The cases that every configuration writer must pass: formats, contexts and names that exist, refusals of the rest.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_writer.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "support/config_text.h"
#include "support/sample_plan.h"

namespace docmind::providers {
namespace {

using control::PlanProvider;
using test::config_of;
using test::contains;
using test::has_line;
using test::refusal_of;
using test::sample_plan;

constexpr PlanProvider kProviders[] = {PlanProvider::kOllama, PlanProvider::kLlamaCpp, PlanProvider::kVllm};

TEST(ConfigCases, Case1WeightFormatsAreNoKvFormatsAnywhere) {
  for (const PlanProvider provider : kProviders) {
    for (const char* name : {"q4_K_M", "Q4_K_M", "q6_k", "nf4", "iq4_xs", "awq"}) {
      const std::string refusal = refusal_of(sample_plan(provider), provider, {.kv = name});
      EXPECT_TRUE(contains(refusal, std::string("'") + name + "' is a format of weights")) << refusal;
      EXPECT_TRUE(contains(refusal, "the nearest is '")) << refusal;
    }
  }
  EXPECT_TRUE(contains(refusal_of(sample_plan(PlanProvider::kOllama, "q4_K_M"), PlanProvider::kOllama), "'q4_0'"));
}

TEST(ConfigCases, Case2OllamaHasOneTypeForKeysAndValues) {
  const auto env = [](const char* kv) {
    return config_of(sample_plan(PlanProvider::kOllama), PlanProvider::kOllama, {.form = ConfigForm::kEnv, .kv = kv});
  };
  const std::string int8 = env("int8");
  EXPECT_TRUE(has_line(int8, "OLLAMA_FLASH_ATTENTION=1")) << int8;
  EXPECT_TRUE(has_line(int8, "OLLAMA_KV_CACHE_TYPE=q8_0")) << int8;
  const std::string int4 = env("int4");
  EXPECT_TRUE(has_line(int4, "OLLAMA_FLASH_ATTENTION=1") && has_line(int4, "OLLAMA_KV_CACHE_TYPE=q4_0")) << int4;
  for (const char* mixed : {"mixed", "k8v4", "q8_0/q4_0"}) {
    const std::string refusal = refusal_of(sample_plan(PlanProvider::kOllama, mixed), PlanProvider::kOllama);
    EXPECT_TRUE(contains(refusal, "one type")) << refusal;
    EXPECT_TRUE(contains(refusal, "'q8_0'")) << refusal;
  }
}

TEST(ConfigCases, Case3LlamaCppMixesKeysAndValuesWithABuildFlag) {
  const control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp, "mixed", 6.5);
  const std::string shell = config_of(plan, PlanProvider::kLlamaCpp, {.form = ConfigForm::kShell});
  EXPECT_TRUE(has_line(shell, "-ctk q8_0")) << shell;
  EXPECT_TRUE(has_line(shell, "-ctv q4_0")) << shell;
  EXPECT_TRUE(has_line(shell, "-fa on")) << shell;
  const Result<WrittenConfig> written = write_config(plan, PlanProvider::kLlamaCpp, {});
  ASSERT_TRUE(written.ok());
  bool told = false;
  for (const std::string& warning : written->warnings) {
    told = told || (contains(warning, "-DGGML_CUDA=ON -DGGML_CUDA_FA_ALL_QUANTS=ON") &&
                    contains(warning, "-DGGML_CUDA_FA_QUANTS=\"q8_0-q4_0\""));
  }
  EXPECT_TRUE(told) << written->text;
}

TEST(ConfigCases, Case4VllmNamesFollowItsVersion) {
  const auto dtype = [](const char* kv, const char* version) {
    const std::string text = config_of(sample_plan(PlanProvider::kVllm), PlanProvider::kVllm,
                                       {.form = ConfigForm::kShell, .version = version, .kv = kv});
    for (const std::string& line : test::setting_lines(text)) {
      if (line.starts_with("--kv-cache-dtype ")) return line.substr(17);
    }
    return std::string("none");
  };
  EXPECT_EQ(dtype("int8", "0.28.0"), "int8_per_token_head");
  EXPECT_EQ(dtype("int8", ""), "int8_per_token_head") << "the current version";
  EXPECT_EQ(dtype("int8", "0.14.0"), "fp8");
  EXPECT_EQ(dtype("int8", "0.19.2rc1"), "fp8");
  EXPECT_EQ(dtype("int4", "0.28.0"), "int4_per_token_head");
  EXPECT_EQ(dtype("int4", "0.21.0"), "turboquant_4bit_nc");
  EXPECT_EQ(dtype("mixed", "0.27.1"), "turboquant_k8v4");
  EXPECT_EQ(dtype("f16", "0.14.0"), "none") << "the default";
  const std::string old = refusal_of(sample_plan(PlanProvider::kVllm, "int4", 4.5), PlanProvider::kVllm,
                                     {.version = "0.14.0"});
  EXPECT_TRUE(contains(old, "0.20.0") && contains(old, "'fp8'")) << old;
}

TEST(ConfigCases, Case5LongContextsScalePositionsWhereThatIsPossible) {
  const auto shell = [](PlanProvider provider, int64_t context) {
    return config_of(sample_plan(provider, "int8", 8.5, context), provider,
                     {.form = ConfigForm::kShell, .force = true});
  };
  const std::string llama = shell(PlanProvider::kLlamaCpp, 131'072);
  EXPECT_TRUE(has_line(llama, "--rope-scaling yarn")) << llama;
  EXPECT_TRUE(has_line(llama, "--rope-scale 4")) << llama;
  EXPECT_TRUE(has_line(llama, "--yarn-orig-ctx 32768")) << llama;
  EXPECT_TRUE(has_line(shell(PlanProvider::kLlamaCpp, 40'961), "--rope-scale 2")) << "the least factor";
  const std::string vllm = shell(PlanProvider::kVllm, 131'072);
  EXPECT_TRUE(contains(vllm, R"("rope_type":"yarn")")) << vllm;
  EXPECT_TRUE(contains(vllm, R"("original_max_position_embeddings":32768)")) << vllm;
  for (const int64_t context : {32'768, 40'960}) {
    EXPECT_FALSE(contains(shell(PlanProvider::kLlamaCpp, context), "yarn")) << context;
    EXPECT_FALSE(contains(shell(PlanProvider::kVllm, context), "yarn")) << context;
    EXPECT_TRUE(has_line(shell(PlanProvider::kOllama, context), "export OLLAMA_CONTEXT_LENGTH=" +
                                                                    std::to_string(context)));
  }
  const std::string refusal =
      refusal_of(sample_plan(PlanProvider::kOllama, "int8", 8.5, 65'536), PlanProvider::kOllama);
  EXPECT_TRUE(contains(refusal, "40,960")) << refusal;
  EXPECT_TRUE(contains(refusal, "qwen3.context_length = 65536")) << refusal;
  EXPECT_TRUE(contains(refusal, "qwen3.rope.scaling.factor = 2")) << refusal;
  control::PlanChoice rewritten = sample_plan(PlanProvider::kOllama, "int8", 8.5, 65'536);
  rewritten.model.file_context = 131'072;
  EXPECT_TRUE(has_line(config_of(rewritten, PlanProvider::kOllama, {.form = ConfigForm::kModelfile}),
                       "PARAMETER num_ctx 65536"));
}

TEST(ConfigCases, Case6WhatDoesNotFitIsRefusedWithItsNumbers) {
  control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp, "int4", 4.5, 131'072);
  plan.device = {.name = "12 GiB card", .gpu = true, .memory_bytes = 12 * test::kGibibyte,
                 .usable_bytes = test::kGibibyte * 114 / 10, .bandwidth_gb_per_s = 360};
  test::recount_plan(plan, 4.5);
  ASSERT_FALSE(plan.fits);
  const std::string refusal = refusal_of(plan, PlanProvider::kLlamaCpp, {}, ErrorCode::kLimit);
  EXPECT_TRUE(contains(refusal, "3.5 GiB are missing")) << refusal;
  EXPECT_TRUE(contains(refusal, "11.4 GiB")) << refusal;
  EXPECT_TRUE(contains(refusal, "'12 GiB card'")) << refusal;
  EXPECT_TRUE(contains(refusal, "--force")) << refusal;
  const std::string forced = config_of(plan, PlanProvider::kLlamaCpp, {.force = true});
  EXPECT_TRUE(contains(forced, "WARNING: this plan does not fit")) << forced;
  EXPECT_LT(forced.find("WARNING: this plan"), forced.find("args=(")) << "before everything else";
}

TEST(ConfigCases, Case7TheShareOfVllmIsThatOfTheCard) {
  control::PlanChoice plan = sample_plan(PlanProvider::kVllm, "int8", 8.5, 8'192);
  plan.model.n_parameters = 596'000'000;
  plan.model.n_embd = 1'024;
  plan.device = {.name = "RTX 4060", .gpu = true, .memory_bytes = 8 * test::kGibibyte,
                 .usable_bytes = test::kGibibyte * 74 / 10, .bandwidth_gb_per_s = 272};
  plan.weights = "F16";
  plan.fits = true;
  plan.missing_bytes = -1;
  const std::string shell = config_of(plan, PlanProvider::kVllm, {.form = ConfigForm::kShell});
  EXPECT_TRUE(has_line(shell, "--gpu-memory-utilization 0.92")) << shell;
  EXPECT_TRUE(contains(shell, "of 8.0 GiB")) << shell;
}

TEST(ConfigCases, Case8UnknownNamesAreRefusedWithTheNearest) {
  const auto refused = [](PlanProvider provider, const char* setting) {
    return refusal_of(sample_plan(provider), provider, {.extra = {setting}});
  };
  EXPECT_TRUE(contains(refused(PlanProvider::kOllama, "OLLAMA_KEEP_ALIV=5m"), "did you mean 'OLLAMA_KEEP_ALIVE'?"));
  EXPECT_TRUE(contains(refused(PlanProvider::kOllama, "num_threads=8"), "did you mean 'num_thread'?"));
  EXPECT_TRUE(contains(refused(PlanProvider::kLlamaCpp, "--ubatchsize=8"), "did you mean '--ubatch-size'?"));
  EXPECT_TRUE(contains(refused(PlanProvider::kLlamaCpp, "LLAMA_ARG_BATCHES=8"), "did you mean 'LLAMA_ARG_BATCH'?"));
  EXPECT_TRUE(contains(refused(PlanProvider::kVllm, "--enforce-eagr"), "did you mean '--enforce-eager'?"));
  EXPECT_TRUE(contains(refused(PlanProvider::kOllama, "OLLAMA_NUM_THREADS=8"), "--threads N"));
  EXPECT_TRUE(contains(refused(PlanProvider::kLlamaCpp, "LLAMA_CUBLAS=1"), "-DGGML_CUDA=ON"));
  EXPECT_TRUE(contains(refused(PlanProvider::kLlamaCpp, "LLAMA_FLASH_ATTN=on"), "LLAMA_ARG_FLASH_ATTN"));
  EXPECT_TRUE(contains(refused(PlanProvider::kVllm, "VLLM_ATTENTION_BACKEND=FLASH_ATTN"), "--attention-backend"));
  EXPECT_TRUE(contains(refused(PlanProvider::kVllm, "quantize_kv_cache=True"), "--kv-cache-dtype"));
  EXPECT_TRUE(contains(refused(PlanProvider::kVllm, "--quantization-param-path=x.json"), "--kv"));
  EXPECT_TRUE(contains(refused(PlanProvider::kVllm, "--enable-kv-cache-int8"), "--kv"));
  EXPECT_TRUE(contains(refused(PlanProvider::kVllm, "bnb_8bit_compute_dtype=float16"), "bnb_4bit_compute_dtype"));
}

TEST(ConfigCases, Case9HeadsMustFitBlocksAndSensitiveModelsWarn) {
  for (const PlanProvider provider : {PlanProvider::kLlamaCpp, PlanProvider::kOllama}) {
    control::PlanChoice odd = sample_plan(provider);
    odd.model.head_dim = 80;
    test::recount_plan(odd, 8.5);
    const std::string refusal = refusal_of(odd, provider);
    EXPECT_TRUE(contains(refusal, "80 elements") && contains(refusal, "'f16'")) << refusal;
    odd.kv = "f16";
    test::recount_plan(odd, 16);
    EXPECT_TRUE(write_config(odd, provider, {}).ok());
  }
  const auto warned = [](const char* architecture, const char* name, const char* kv, double bits) {
    control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp, kv, bits);
    plan.model.architecture = architecture;
    plan.model.name = name;
    return config_of(plan, PlanProvider::kLlamaCpp);
  };
  EXPECT_TRUE(contains(warned("gpt-oss", "gpt-oss-20b", "int8", 8.5), "74.9%"));
  EXPECT_TRUE(contains(warned("qwen2", "qwen2.5-7b", "int4", 4.5), "6.58 to 218"));
  EXPECT_FALSE(contains(warned("qwen2", "qwen2.5-7b", "f16", 16), "6.58 to 218"));
  EXPECT_FALSE(contains(warned("qwen3", "qwen3-14b", "int8", 8.5), "6.58 to 218"));
}

TEST(ConfigCases, Case10MemoryIsThatOfTheServersOwnFormats) {
  const control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp);
  EXPECT_EQ(plan.parts[1].n_bytes, 2720LL << 20) << "llama-server's 'KV self size' of 32K tokens in q8_0";
  control::PlanChoice native = plan;  // planned with a smaller format than the provider has
  native.kv = "mixed";
  test::recount_plan(native, 3.4);
  native.device.usable_bytes = native.total_bytes + (100LL << 20);
  native.missing_bytes = -(100LL << 20);
  const std::string refusal = refusal_of(native, PlanProvider::kLlamaCpp, {}, ErrorCode::kLimit);
  EXPECT_TRUE(contains(refusal, "892 MiB are missing")) << refusal;
  EXPECT_TRUE(contains(refusal, "llama.cpp has other formats")) << refusal;
}

TEST(ConfigWriter, EverySettingHasACommentAboveIt) {
  for (const PlanProvider provider : kProviders) {
    for (const ConfigForm form : {ConfigForm::kShell, ConfigForm::kEnv, ConfigForm::kModelfile}) {
      if (form == ConfigForm::kModelfile && provider != PlanProvider::kOllama) continue;
      const int64_t n_threads = provider == PlanProvider::kVllm ? 0 : 8;
      const std::string text = config_of(sample_plan(provider), provider, {.form = form, .threads = n_threads});
      std::string before;
      for (const std::string& line : test::lines_of(text)) {
        bool is_setting = false;
        for (const char* start : {"-", "export ", "FROM", "PARAMETER", "OLLAMA_", "LLAMA_ARG_"}) {
          is_setting = is_setting || trim(line).starts_with(start);
        }
        EXPECT_TRUE(!is_setting || trim(before).starts_with("# ")) << line << "\nin\n" << text;
        before = line;
      }
    }
  }
}

TEST(ConfigWriter, RefusesWhatIsNoPlanOrNoOption) {
  const auto refused = [](auto change, const ConfigWriterOptions& options = {}) {
    control::PlanChoice plan = sample_plan(PlanProvider::kLlamaCpp);
    change(plan);
    return refusal_of(plan, PlanProvider::kLlamaCpp, options);
  };
  const auto nothing = [](control::PlanChoice&) {};
  EXPECT_TRUE(contains(refused([](control::PlanChoice& plan) { plan.context = 0; }), "context 0"));
  EXPECT_TRUE(contains(refused([](control::PlanChoice& plan) { plan.concurrent = -1; }), "sequences -1"));
  EXPECT_TRUE(contains(refused([](control::PlanChoice& plan) { plan.concurrent = 99'999; }), "all sequences"));
  EXPECT_TRUE(contains(refused([](control::PlanChoice& plan) { plan.model.head_dim = 0; }), "head 0"));
  EXPECT_TRUE(contains(refused([](control::PlanChoice& plan) { plan.context = 131'073; }), "131,072"));
  EXPECT_TRUE(contains(refused([](control::PlanChoice& plan) { plan.model.rope_base = -1; }), "rotary base"));
  EXPECT_TRUE(contains(refused(nothing, {.threads = 5'000}), "--threads 5,000"));
  EXPECT_TRUE(contains(refused(nothing, {.port = 70'000}), "--port 70,000"));
  EXPECT_TRUE(contains(refused(nothing, {.version = "0.14.0"}), "'b10256'"));
  EXPECT_TRUE(contains(refused(nothing, {.form = ConfigForm::kModelfile}), "no Modelfile"));
  EXPECT_TRUE(contains(refused(nothing, {.model_path = "a\nb"}), "a control character"));
  EXPECT_TRUE(contains(refusal_of(sample_plan(PlanProvider::kNative), PlanProvider::kNative), "llamacpp"));
}

TEST(ConfigWriter, FormsHaveNames) {
  EXPECT_EQ(*parse_config_form("systemd"), ConfigForm::kSystemd);
  const Result<ConfigForm> wrong = parse_config_form("systmd");
  ASSERT_FALSE(wrong.ok());
  EXPECT_TRUE(contains(wrong.error().message, "did you mean 'systemd'?")) << wrong.error().message;
}

TEST(ConfigWriter, SaysWhenThePlanWasMadeForAnother) {
  const std::string vllm = config_of(sample_plan(PlanProvider::kLlamaCpp), PlanProvider::kVllm);
  EXPECT_TRUE(contains(vllm, "the plan was made for llama.cpp")) << vllm;
  const std::string ollama = config_of(sample_plan(PlanProvider::kLlamaCpp), PlanProvider::kOllama);
  EXPECT_FALSE(contains(ollama, "the plan was made for")) << "it runs the same server";
}

}  // namespace
}  // namespace docmind::providers
