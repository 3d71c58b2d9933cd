// The planner's arithmetic, choices, refusals and alternatives, on a made-up family of models.
// SPDX-License-Identifier: Apache-2.0
#include "control/planner.h"

#include <gtest/gtest.h>

#include <string>

#include "plan_family.h"

namespace docmind::control {
namespace {

PlanRequest request(int64_t context, std::string weights = "", std::string kv = "") {
  PlanRequest request;
  request.context = context;
  request.weights = std::move(weights);
  request.kv = std::move(kv);
  return request;
}

const PlanPart* part(const PlanChoice& choice, std::string_view name) {
  for (const PlanPart& one : choice.parts) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

bool mentions(const std::vector<std::string>& texts, std::string_view part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

void expect_refused(const Result<Plan>& plan, std::initializer_list<std::string_view> parts) {
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  for (const std::string_view part : parts) {
    EXPECT_NE(plan.error().message.find(part), std::string::npos) << plan.error().message << " without " << part;
  }
}

TEST(Planner, AddsUpWhatAChoiceTakes) {
  PlanRequest wanted = request(8'192, "Q4_K_M", "int8");
  wanted.concurrent = 3;
  wanted.rag_bytes = 700;
  wanted.rag = "two models";
  const Result<Plan> plan = make_plan(family_model(14), {}, family_card(64), wanted);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const PlanChoice& asked = plan->asked;
  const int64_t sequence = 8'192 * 87'040;
  EXPECT_EQ(part(asked, "kv")->n_bytes, 3 * sequence);
  EXPECT_EQ(part(asked, "rag")->n_bytes, 700);
  EXPECT_EQ(part(asked, "weights")->n_bytes, family_model(14).weights[2].n_bytes);
  int64_t sum = 0;
  for (const PlanPart& one : asked.parts) sum += one.n_bytes;
  EXPECT_EQ(asked.total_bytes, sum);
  EXPECT_EQ(asked.missing_bytes, sum - asked.device.usable_bytes);
  EXPECT_TRUE(asked.fits);
  EXPECT_TRUE(asked.with_rag);
  EXPECT_TRUE(plan->alternatives.empty());
  EXPECT_EQ(plan->options.size(), 4 * 4U);
  EXPECT_TRUE(mentions(asked.notes, "whole contexts"));
  EXPECT_TRUE(asked.model.weights.empty() && asked.model.kv.empty());
}

TEST(Planner, BoundsSpeedByWhatATokenReads) {
  PlanRequest wanted = request(131'072, "Q4_K_M", "int8");
  wanted.concurrent = 2;
  const PlanModel model = family_model(14);
  const PlanChoice asked = make_plan(model, {}, family_card(64), wanted)->asked;
  const auto weights = static_cast<double>(model.weights[2].decode_read_bytes);
  const double kv = 131'072.0 * 87'040;
  EXPECT_NEAR(*asked.decode_tokens_per_s, 360e9 / (weights + kv), 1e-6);
  EXPECT_NEAR(*asked.decode_tokens_per_s_empty, 360e9 / weights, 1e-6);
  EXPECT_NEAR(*asked.decode_tokens_per_s_together, 2 * 360e9 / (weights + 2 * kv), 1e-6);
  PlanDevice unknown = family_card(64);
  unknown.bandwidth_gb_per_s = 0;
  EXPECT_FALSE(make_plan(model, {}, unknown, wanted)->asked.decode_tokens_per_s);
}

TEST(Planner, ChoosesTheLeastLossThatFits) {
  // Exact weights and keys fit into much memory; into less, what loses least.
  const PlanChoice large = make_plan(family_model(14), {}, family_card(80), request(8'192))->asked;
  EXPECT_EQ(large.weights + "/" + large.kv, "F16/f16");
  const PlanChoice middle = make_plan(family_model(14), {}, family_card(18), request(8'192))->asked;
  EXPECT_EQ(middle.weights + "/" + middle.kv, "Q8_0/f16");
  const PlanChoice small = make_plan(family_model(14), {}, family_card(12), request(8'192))->asked;
  EXPECT_EQ(small.weights + "/" + small.kv, "Q4_K_M/f16");
  const PlanChoice given = make_plan(family_model(14), {}, family_card(12), request(8'192, "q4_k_m", "INT4"))->asked;
  EXPECT_EQ(given.weights + "/" + given.kv, "Q4_K_M/int4");
  // Where nothing fits, the usual pair shows by how much.
  const PlanChoice none = make_plan(family_model(14), {}, family_card(12), request(131'072))->asked;
  EXPECT_EQ(none.weights + "/" + none.kv, "Q4_K_M/int8");
  EXPECT_FALSE(none.fits);
}

TEST(Planner, ScalesPositionsBeyondWhatWasTrained) {
  const PlanModel model = family_model(14);
  EXPECT_EQ(rope_scaling_factor(model, 32'768), 1);
  EXPECT_EQ(rope_scaling_factor(model, 40'960), 1);  // the file's own room
  EXPECT_EQ(rope_scaling_factor(model, 40'961), 2);
  EXPECT_EQ(rope_scaling_factor(model, 65'537), 3);
  EXPECT_EQ(rope_scaling_factor(model, 131'072), 4);
  const auto notes = [&](int64_t context) {
    return make_plan(model, {}, family_card(80), request(context))->asked.notes;
  };
  EXPECT_TRUE(notes(0).empty());
  EXPECT_TRUE(mentions(notes(40'000), "its file allows 40,960 without"));
  EXPECT_TRUE(mentions(notes(131'072), "YaRN, factor 4"));
  PlanModel scaled = model;  // a file that was written for it
  scaled.file_context = 131'072;
  EXPECT_TRUE(mentions(make_plan(scaled, {}, family_card(80), request(131'072))->asked.notes, "as its file says"));
}

TEST(Planner, RefusesWhatDoesNotExistWithWhatDoes) {
  const PlanModel model = family_model(14);
  const auto plan = [&](const PlanRequest& wanted) { return make_plan(model, {}, family_card(12), wanted); };
  expect_refused(plan(request(131'073)), {"131,073", "131,072", "model-14b"});
  expect_refused(plan(request(-1)), {"-1"});
  expect_refused(plan(request(8'192, "Q4_K_N")), {"'Q4_K_N'", "'Q4_K_M'", "F16, Q8_0"});
  expect_refused(plan(request(8'192, "", "q4_K_M")), {"'q4_K_M'", "'int4' is the nearest", "f16, int8, k8v4, int4"});
  expect_refused(plan(request(8'192, "", "q8_0")), {"'int8' is the nearest"});
  expect_refused(plan(request(8'192, "", "mixed")), {"only the native engine"});
  PlanRequest many = request(8'192);
  many.concurrent = 0;
  expect_refused(plan(many), {"0 texts"});
  PlanModel empty = model;
  empty.kv.clear();
  EXPECT_FALSE(make_plan(empty, {}, family_card(12), request(8'192)).ok());
}

TEST(Planner, ProgramsThatGoByTheFileAreHeldToIt) {
  PlanModel model = family_model(14);
  PlanRequest wanted = request(65'536);
  wanted.provider = PlanProvider::kOllama;
  EXPECT_TRUE(mentions(make_plan(model, {}, family_card(80), wanted)->asked.notes, "silently cuts"));
  model.file = "m.gguf";
  expect_refused(make_plan(model, {}, family_card(80), wanted), {"65,536", "40,960", "'m.gguf'"});
  wanted.provider = PlanProvider::kLlamaCpp;
  EXPECT_TRUE(make_plan(model, {}, family_card(80), wanted).ok());
}

TEST(Planner, OffersThreeKindsOfChangeThatFit) {
  const std::vector<PlanModel> others = {family_model(4), family_model(8), family_model(1)};
  const Result<Plan> plan = make_plan(family_model(14), others, family_card(12), request(131'072));
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->alternatives.size(), 3U);
  bool smaller_model = false, shorter = false;
  for (const PlanChoice& choice : plan->alternatives) {
    EXPECT_TRUE(choice.fits);
    EXPECT_FALSE(choice.changes.empty());
    smaller_model |= choice.model.name != "model-14b" && choice.context == 131'072;
    shorter |= choice.model.name == "model-14b" && choice.context < 131'072;
  }
  EXPECT_TRUE(smaller_model);
  EXPECT_TRUE(shorter);
  EXPECT_TRUE(mentions(plan->alternatives[0].changes, " instead of ")) << plan->alternatives[0].changes[0];
}

TEST(Planner, OffersTheEmbedderOnTheCpuAndFewerTexts) {
  // Without embedder and reranker it would fit as it is.
  PlanRequest wanted = request(8'192, "Q4_K_M", "int8");
  wanted.rag_bytes = int64_t{3} << 30;
  const Plan rag = *make_plan(family_model(14), {}, family_card(12), wanted);
  ASSERT_FALSE(rag.asked.fits);
  ASSERT_FALSE(rag.alternatives.empty());
  EXPECT_EQ(rag.alternatives[0].changes, std::vector<std::string>{"embedder and reranker on the CPU"});
  EXPECT_FALSE(rag.alternatives[0].with_rag);
  wanted.rag_bytes = 0;
  wanted.concurrent = 5;
  const Plan many = *make_plan(family_model(14), {}, family_card(12), wanted);
  bool fewer = false;
  for (const PlanChoice& choice : many.alternatives) {
    fewer |= mentions(choice.changes, "instead of 5") && choice.concurrent < 5;
  }
  EXPECT_TRUE(fewer);
}

TEST(Planner, SaysWhenNothingFits) {
  const Plan plan = *make_plan(family_model(14), {family_model(8)}, family_card(1), request(8'192));
  EXPECT_FALSE(plan.asked.fits);
  EXPECT_TRUE(plan.alternatives.empty());
}

TEST(Planner, NamesProviders) {
  for (const char* name : {"native", "llamacpp", "ollama", "vllm"}) {
    EXPECT_EQ(plan_provider_name(*parse_plan_provider(name)), name);
  }
  EXPECT_EQ(*parse_plan_provider("llama.cpp"), PlanProvider::kLlamaCpp);
  EXPECT_EQ(*parse_plan_provider("vLLM"), PlanProvider::kVllm);
  EXPECT_NE(parse_plan_provider("olama").error().message.find("'ollama'"), std::string::npos);
}

}  // namespace
}  // namespace docmind::control
