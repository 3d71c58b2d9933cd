// Sizes that plans stand on: published tables for the catalogue, the loaded engine for files; cards and sizes.
// SPDX-License-Identifier: Apache-2.0
#include "providers/plan_inputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "base/text.h"
#include "engine/kv_fill.h"
#include "kv/cache.h"
#include "model/decoder.h"
#include "providers/plan_shapes.h"
#include "support/model_writer.h"
#include "support/temp_folder.h"

namespace docmind::providers {
namespace {

using control::KvOption;
using control::PlanModel;
using control::PlanProvider;
using control::WeightOption;

constexpr double kGiB = double{1 << 30};

template <typename T>
T value_of(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

PlanModel planned(const std::string& name, PlanProvider provider = PlanProvider::kLlamaCpp) {
  return value_of(plan_inputs(name, provider, 512, 2)).model;
}
template <typename Option>
const Option& option(const std::vector<Option>& options, std::string_view name) {
  for (const Option& one : options) {
    if (one.name == name) return one;
  }
  throw std::runtime_error("no option " + std::string(name));
}

// --- the catalogue against published figures ---

struct PublishedModel {
  const char* name;
  double parameters;                // 1e9
  std::map<std::string, double> gb;  // 1e9 bytes of each mix
  std::map<std::string, double> kv;  // bytes a token
};
const std::vector<PublishedModel> kPublishedModels = {
    {"qwen3-14b", 14.768, {{"F16", 29.54}, {"Q8_0", 15.69}, {"Q6_K", 12.12}, {"Q5_K_M", 10.51}, {"Q4_K_M", 9.00}},
     {{"f16", 163'840}, {"int8", 87'040}, {"k8v4", 66'560}, {"int4", 46'080}}},
    {"qwen3-8b", 8.191, {{"F16", 16.38}, {"Q8_0", 8.70}, {"Q6_K", 6.72}, {"Q5_K_M", 5.85}, {"Q4_K_M", 5.02}},
     {{"f16", 147'456}, {"int8", 78'336}, {"k8v4", 59'904}, {"int4", 41'472}}},
    {"qwen3-4b", 4.022, {{"F16", 8.05}, {"Q8_0", 4.27}, {"Q6_K", 3.30}, {"Q5_K_M", 2.88}, {"Q4_K_M", 2.49}},
     {{"f16", 147'456}, {"int8", 78'336}, {"k8v4", 59'904}, {"int4", 41'472}}},
    {"qwen3-1.7b", 1.721, {{"F16", 3.44}, {"Q8_0", 1.83}, {"Q6_K", 1.41}, {"Q5_K_M", 1.25}, {"Q4_K_M", 1.10}},
     {{"f16", 114'688}, {"int8", 60'928}, {"k8v4", 46'592}, {"int4", 32'256}}},
    {"qwen3-0.6b", 0.596, {{"F16", 1.19}, {"Q8_0", 0.63}, {"Q6_K", 0.49}, {"Q5_K_M", 0.44}, {"Q4_K_M", 0.39}},
     {{"f16", 114'688}, {"int8", 60'928}, {"k8v4", 46'592}, {"int4", 32'256}}},
};

TEST(PlanInputs, WeightsAreWithin3PercentOfPublishedSizes) {
  for (const PublishedModel& published : kPublishedModels) {
    const PlanModel model = planned(published.name);
    EXPECT_NEAR(static_cast<double>(model.n_parameters) / 1e9, published.parameters, 0.001 * published.parameters);
    for (const auto& [name, gb] : published.gb) {
      const double bytes = static_cast<double>(option(model.weights, name).n_bytes);
      EXPECT_NEAR(bytes / 1e9 / gb, 1, 0.03) << published.name << " " << name;
    }
    for (size_t i = 1; i < model.weights.size(); ++i) {
      EXPECT_LT(model.weights[i].n_bytes, model.weights[i - 1].n_bytes) << "largest first";
    }
  }
}

TEST(PlanInputs, KeysAndValuesAreExactlyThePublishedBytes) {
  for (const PublishedModel& published : kPublishedModels) {
    const PlanModel model = planned(published.name);
    for (const auto& [name, bytes] : published.kv) {
      EXPECT_DOUBLE_EQ(option(model.kv, name).bytes_per_token, bytes) << published.name << " " << name;
    }
  }
  // What llama.cpp's server says of Qwen3-14B at 32,768 tokens in q8_0.
  EXPECT_DOUBLE_EQ(option(planned("qwen3-14b").kv, "int8").bytes_per_token * 32'768 / (1 << 20), 2'720.0);
}

TEST(PlanInputs, OtherModelsHaveTheirPublishedParameters) {
  const std::map<std::string, double> billions = {
      {"qwen3-32b", 32.76},    {"qwen2.5-14b", 14.77},  {"qwen2.5-7b", 7.616},
      {"qwen2.5-3b", 3.086},   {"qwen2.5-1.5b", 1.544}, {"qwen2.5-0.5b", 0.494},
      {"llama-3.1-8b", 8.030}, {"llama-3.2-3b", 3.213}, {"llama-3.2-1b", 1.236}};
  for (const auto& [name, n] : billions) {
    EXPECT_NEAR(static_cast<double>(planned(name).n_parameters) / 1e9, n, 0.002 * n) << name;
  }
}

// --- totals ---

struct PublishedTotal {
  const char* model;
  const char* weights;
  const char* kv;
  int64_t context;
  bool with_rag;
  double gib;
};
TEST(PlanInputs, TotalsAreWithin3PercentOfPublishedOnes) {
  const std::vector<PublishedTotal> totals = {
      {"qwen3-8b", "Q4_K_M", "int4", 32'768, false, 6.7},   {"qwen3-8b", "Q4_K_M", "k8v4", 32'768, false, 7.3},
      {"qwen3-4b", "Q4_K_M", "int8", 32'768, false, 5.4},   {"qwen3-4b", "Q4_K_M", "int4", 131'072, false, 8.1},
      {"qwen3-1.7b", "Q4_K_M", "k8v4", 131'072, false, 7.3}, {"qwen3-14b", "Q4_K_M", "int8", 8'192, false, 9.9},
      {"qwen3-14b", "Q4_K_M", "int4", 32'768, false, 10.7}, {"qwen3-14b", "Q4_K_M", "k8v4", 32'768, false, 11.3},
      {"qwen3-8b", "Q4_K_M", "int4", 131'072, false, 10.5}, {"qwen3-4b", "Q8_0", "int4", 131'072, false, 9.7},
      {"qwen3-14b", "Q4_K_M", "int8", 8'192, true, 11.3},   {"qwen3-14b", "Q6_K", "int8", 32'768, false, 14.8},
      {"qwen3-14b", "Q4_K_M", "int8", 131'072, false, 19.9}, {"qwen3-14b", "Q6_K", "k8v4", 131'072, true, 21.7}};
  for (const PublishedTotal& total : totals) {
    const PlanInputs inputs = value_of(plan_inputs(total.model, PlanProvider::kLlamaCpp, 512));
    control::PlanRequest request;
    request.context = total.context;
    request.weights = total.weights;
    request.kv = total.kv;
    if (total.with_rag) request.rag_bytes = plan_rag_bytes(PlanProvider::kLlamaCpp);
    const control::Plan plan = value_of(make_plan(inputs.model, {}, card_of_memory(int64_t{24} << 30), request));
    EXPECT_NEAR(static_cast<double>(plan.asked.total_bytes) / kGiB / total.gib, 1, 0.03)
        << total.model << " " << total.weights << " " << total.kv << " " << total.context;
  }
}

TEST(PlanInputs, FourteenBillionAt128KDoNotFit12GiB) {
  const PlanInputs inputs = value_of(plan_inputs("qwen3-14b", PlanProvider::kLlamaCpp, 512));
  control::PlanRequest request;
  request.context = 131'072;
  const control::PlanDevice card = card_of_memory(int64_t{12} << 30);
  const control::Plan plan = value_of(make_plan(inputs.model, inputs.others, card, request));
  EXPECT_FALSE(plan.asked.fits);
  EXPECT_EQ(plan.asked.weights, "Q4_K_M");
  EXPECT_NEAR(static_cast<double>(plan.asked.missing_bytes) / kGiB, 8.5, 0.1);
  for (const control::PlanChoice& choice : plan.options) EXPECT_FALSE(choice.fits) << choice.weights << choice.kv;
  ASSERT_EQ(plan.alternatives.size(), 3U);
  EXPECT_EQ(plan.alternatives[0].model.name, "qwen3-8b");
  EXPECT_EQ(plan.alternatives[0].context, 131'072);
  bool same_model = false;
  for (const control::PlanChoice& choice : plan.alternatives) same_model |= choice.model.name == "qwen3-14b";
  EXPECT_TRUE(same_model);
}

// --- names ---

TEST(PlanInputs, KnowsAModelByAllItsNames) {
  for (const char* name : {"qwen3-14b", "Qwen3-14B", "qwen3:14b", "Qwen/Qwen3-14B", "qwen3_14b", "Qwen3-14B-GGUF"}) {
    EXPECT_EQ(planned(name).name, "qwen3-14b") << name;
  }
  EXPECT_EQ(planned("Qwen/Qwen3-4B-Instruct-2507").name, "qwen3-4b-instruct-2507");
  EXPECT_EQ(planned("llama3.1:8b").name, "llama-3.1-8b");
  EXPECT_EQ(planned("meta-llama/Meta-Llama-3.1-8B-Instruct").name, "llama-3.1-8b");
  EXPECT_EQ(planned("Qwen2.5-7B-Instruct").name, "qwen2.5-7b");
  // A pulled model's name means its type alone.
  const PlanModel one = planned("qwen3-8b-q8_0");
  ASSERT_EQ(one.weights.size(), 1U);
  EXPECT_EQ(one.weights[0].name, "Q8_0");
  EXPECT_EQ(plan_shape_names().size(), plan_shapes().size());
}

TEST(PlanInputs, RefusesModelsThatDoNotExistWithTheRightName) {
  const auto error_of = [](const char* name) { return plan_inputs(name, PlanProvider::kLlamaCpp, 512).error(); };
  for (const char* name : {"Qwen3-14B-Instruct", "Qwen/Qwen3-14B-Instruct"}) {
    EXPECT_EQ(error_of(name).code, ErrorCode::kNotFound);
    EXPECT_NE(error_of(name).message.find("Qwen/Qwen3-14B follows instructions"), std::string::npos) << name;
  }
  EXPECT_NE(error_of("qwen3-13b").message.find("did you mean 'qwen3-14b'?"), std::string::npos);
  EXPECT_NE(error_of("nothing").message.find("llama-3.2-1b"), std::string::npos) << "all names are told";
  EXPECT_EQ(error_of("missing.gguf").code, ErrorCode::kNotFound);
  EXPECT_FALSE(plan_inputs("", PlanProvider::kNative, 512).ok());
}

TEST(PlanInputs, ContextsAreThoseOfTheModelCards) {
  const PlanModel qwen3 = planned("qwen3-14b");
  EXPECT_EQ(qwen3.trained_context, 32'768);
  EXPECT_EQ(qwen3.file_context, 40'960);
  EXPECT_EQ(qwen3.largest_context, 131'072);
  EXPECT_EQ(planned("qwen3-4b-instruct-2507").trained_context, 262'144);
  EXPECT_EQ(planned("llama-3.1-8b").largest_context, 131'072);
}

// --- providers ---

std::string names(const std::vector<KvOption>& options) {
  std::string text;
  for (const KvOption& one : options) text += (text.empty() ? "" : " ") + one.name;
  return text;
}

TEST(PlanInputs, EachProviderHasItsOwnFormats) {
  EXPECT_EQ(names(planned("qwen3-8b", PlanProvider::kLlamaCpp).kv), "f16 int8 k8v4 int4");
  EXPECT_EQ(names(planned("qwen3-8b", PlanProvider::kOllama).kv), "f16 int8 int4");
  EXPECT_EQ(names(planned("qwen3-8b", PlanProvider::kVllm).kv), "f16 int8 fp8 k8v4 int4");
  EXPECT_EQ(names(planned("qwen3-8b", PlanProvider::kNative).kv), "f16 int8 k8v4 int4 mixed");
  const PlanModel vllm = planned("qwen3-14b", PlanProvider::kVllm);
  EXPECT_DOUBLE_EQ(option(vllm.kv, "int8").bytes_per_token, 163'840 * 8.25 / 16);
  EXPECT_DOUBLE_EQ(option(vllm.kv, "fp8").bytes_per_token, 163'840 / 2.0);
  const PlanModel small = planned("qwen3-0.6b");
  EXPECT_NE(option(small.kv, "int4").quality.find("small models lose a lot"), std::string::npos);
  EXPECT_NE(option(planned("qwen2.5-7b").kv, "int4").quality.find("outliers"), std::string::npos);
}

// --- files, against the engine that loads them ---

struct Truth {
  size_t weights = 0, scratch = 0, decode_read = 0, kv = 0;
};

// Loads the model and fills one sequence of `n_tokens`.
Truth truth_of(const std::string& path, kv::Format format, int64_t n_tokens) {
  const gguf::File file = value_of(gguf::File::open(path));
  ThreadTeam team(2);
  const kernels::KernelTable* table = value_of(kernels::kernel_table_named("auto"));
  model::LoadOptions load;
  load.kernels = table;
  load.team = &team;
  const auto decoder = value_of(model::Decoder::load(file, load));
  kv::CacheOptions options;
  options.format.format = format;
  options.budget_bytes = size_t{1} << 30;
  const auto cache = value_of(kv::Cache::create(decoder->kv_geometry(), options, *table));
  auto sequence = value_of(cache->new_sequence(n_tokens));
  const Status filled = engine::KvFiller(*table, team, 7).fill(*sequence, n_tokens, {});
  if (!filled.ok()) throw std::runtime_error(filled.error().message);
  return {.weights = decoder->weight_bytes(), .scratch = decoder->scratch_bytes(),
          .decode_read = decoder->decode_read_bytes(), .kv = cache->stats().referenced_bytes};
}

void expect_as_loaded(const std::string& path, int64_t n_tokens) {
  const PlanModel model = value_of(plan_inputs(path, PlanProvider::kNative, 512, 2)).model;
  ASSERT_EQ(model.weights.size(), 1U);
  const WeightOption& weights = model.weights[0];
  for (const KvOption& kv : model.kv) {
    const Truth truth = truth_of(path, value_of(kv::parse_format(kv.name)), n_tokens);
    EXPECT_EQ(weights.n_bytes, static_cast<int64_t>(truth.weights)) << path;
    EXPECT_EQ(weights.decode_read_bytes, static_cast<int64_t>(truth.decode_read)) << path;
    const double planned_kv = static_cast<double>(kv.fixed_bytes) + kv.bytes_per_token * static_cast<double>(n_tokens);
    EXPECT_NEAR(planned_kv / static_cast<double>(truth.kv), 1, 0.03) << path << " " << kv.name;
    // The scheduler's passes and logits come on top of the decoder's own scratch.
    EXPECT_GE(weights.scratch_bytes, static_cast<int64_t>(truth.scratch));
  }
}

TEST(PlanInputs, FilesTakeWhatTheEngineSays) {
  const test::TempFolder folder;
  for (const bool tied : {true, false}) {
    test::ModelSpec spec;
    spec.n_layers = 3;
    spec.n_context = 4'096;
    spec.tied_output = tied;
    spec = tied ? test::with_mixed_types(spec) : spec;
    expect_as_loaded(value_of(test::write_model(spec, folder.path("m.gguf"))), 3'001);
  }
  const std::string stories = std::string(DOCMIND_SOURCE_DIR) + "/../shared/data/models/stories260K.gguf";
  if (!std::filesystem::exists(stories)) GTEST_SKIP() << "stories260K.gguf is not in ../shared/data/models";
  const PlanModel model = value_of(plan_inputs(stories, PlanProvider::kNative, 512, 2)).model;
  const Truth truth = truth_of(stories, kv::Format::kF16, 512);
  EXPECT_EQ(model.weights[0].n_bytes, static_cast<int64_t>(truth.weights));
}

TEST(PlanInputs, AnExactFileCanBePlannedInEveryMix) {
  const test::TempFolder folder;
  test::ModelSpec spec;
  spec.type = kernels::TensorType::kF16;
  const std::string path = value_of(test::write_model(spec, folder.path("exact.gguf")));
  const PlanModel model = value_of(plan_inputs(path, PlanProvider::kLlamaCpp, 512)).model;
  std::string all;
  for (const WeightOption& one : model.weights) all += one.name + " ";
  EXPECT_EQ(all, "F16 Q8_0 Q6_K Q5_K_M Q4_K_M Q4_K_S ");
  EXPECT_EQ(model.name, "exact");
  EXPECT_EQ(model.file, path);
  EXPECT_EQ(model.file_context, 512);
  EXPECT_EQ(model.weights[0].same_top, 1.0);
  // In a file without padding the matrices alone are what F16 says: two bytes an element.
  EXPECT_NEAR(model.weights[0].bits_per_weight, 16, 0.5);
}

TEST(PlanInputs, AFileTellsItsOwnReportAndScaling) {
  const test::TempFolder folder;
  test::ModelSpec spec;
  spec.rope = test::ModelRope::kYarn;
  spec.extra_metadata = [](gguf::Writer& writer) {
    const std::string scores = R"({"same_top": 0.953, "mean_kld": 0.0123, "perplexity_ratio": 1.01})";
    writer.add("docmind.quantize.report", R"({"quality": )" + scores + "}");
  };
  const std::string path = value_of(test::write_model(spec, folder.path("own.gguf")));
  const PlanModel model = value_of(plan_inputs(path, PlanProvider::kLlamaCpp, 512)).model;
  EXPECT_EQ(model.trained_context, 128);
  EXPECT_EQ(model.largest_context, 512);
  ASSERT_EQ(model.weights.size(), 1U);
  EXPECT_EQ(model.weights[0].name, "Q8_0");
  EXPECT_DOUBLE_EQ(model.weights[0].same_top.value_or(0), 0.953);
  const std::string& quality = model.weights[0].quality;
  EXPECT_NE(quality.find("95.3%, KLD 0.0123, perplexity +1.00%"), std::string::npos) << quality;
}

TEST(PlanInputs, RefusesFilesThatGenerateNothing) {
  const test::TempFolder folder;
  test::ModelSpec spec;
  spec.architecture = test::Architecture::kBert;
  spec.n_kv_heads = spec.n_heads;
  const std::string path = value_of(test::write_model(spec, folder.path("b.gguf")));
  EXPECT_EQ(plan_inputs(path, PlanProvider::kNative, 512).error().code, ErrorCode::kUnsupported);
  const std::string torn = folder.write("x.gguf", "GGUF");
  EXPECT_EQ(plan_inputs(torn, PlanProvider::kNative, 512).error().code, ErrorCode::kMalformed);
}

// --- cards and sizes ---

TEST(PlanCards, AreFoundByTheirNames) {
  const auto card = [](const char* name) { return value_of(find_card(name)); };
  for (const char* name : {"RTX 4060", "rtx4060", "NVIDIA GeForce RTX 4060", "4060", "RTX 4060 8GB", "RTX-4060 8GiB"}) {
    EXPECT_EQ(card(name).name, "RTX 4060") << name;
    EXPECT_EQ(card(name).memory_bytes, int64_t{8} << 30);
    EXPECT_EQ(card(name).bandwidth_gb_per_s, 272);
  }
  EXPECT_EQ(card("RTX 4060 Laptop").bandwidth_gb_per_s, 256);
  EXPECT_EQ(card("NVIDIA GeForce RTX 4060 Laptop GPU").bandwidth_gb_per_s, 256);
  EXPECT_EQ(card("RTX 3060").memory_bytes, int64_t{12} << 30);
  EXPECT_EQ(card("RTX 3060 8GB").bandwidth_gb_per_s, 240);
  EXPECT_EQ(card("RTX 4060 Ti 16 GB").memory_bytes, int64_t{16} << 30);
  EXPECT_EQ(card("rtx 4070 ti super").memory_bytes, int64_t{16} << 30);
  EXPECT_EQ(card("RTX 4090").bandwidth_gb_per_s, 1'008);
  EXPECT_EQ(card("Tesla T4").memory_bytes, int64_t{16} << 30);
  EXPECT_NEAR(static_cast<double>(card("RTX 4090").usable_bytes) / kGiB, 23.4, 0.01);
  EXPECT_NEAR(static_cast<double>(card("RTX 4060").usable_bytes) / kGiB, 7.4, 0.01);
}

TEST(PlanCards, AreRefusedWithTheNearest) {
  EXPECT_NE(find_card("RTX 4061").error().message.find("RTX 4060"), std::string::npos);
  const Error wrong = find_card("RTX 4060 12GB").error();
  EXPECT_EQ(wrong.code, ErrorCode::kNotFound);
  EXPECT_NE(wrong.message.find("12 GiB: it has 8 GiB"), std::string::npos) << wrong.message;
  EXPECT_FALSE(find_card("").ok());
  EXPECT_FALSE(find_card("M3 Max").ok());
}

TEST(PlanCards, AClassHasTheBandwidthOfItsSlowest) {
  EXPECT_EQ(card_of_memory(int64_t{24} << 30).bandwidth_gb_per_s, 300);
  EXPECT_EQ(card_of_memory(int64_t{12} << 30).name, "12 GiB card");
  EXPECT_EQ(card_of_memory(int64_t{11} << 30).bandwidth_gb_per_s, 0);
  EXPECT_EQ(card_of_memory(1).usable_bytes, 0);
}

TEST(PlanSizes, AreReadAsPeopleWriteThem) {
  for (const char* text : {"12GiB", "12 GB", "12g", "12", " 12288 MiB ", "12288m", "0.01171875 TiB"}) {
    EXPECT_EQ(value_of(parse_bytes(text)), int64_t{12} << 30) << text;
  }
  EXPECT_EQ(value_of(parse_bytes("7.5GiB")), int64_t{7'680} << 20);
  for (const char* text : {"", "GiB", "-1GiB", "0", "12 apples", "1e30", "nan", "inf", "12GiB!", "1 2 GiB"}) {
    EXPECT_EQ(parse_bytes(text).error().code, ErrorCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace docmind::providers
