// The planner over random models, devices and requests: sums hold, alternatives fit, more memory never fits less.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

#include "control/planner.h"

namespace docmind::control {
namespace {

int64_t pick(int64_t least, int64_t most) { return *rc::gen::inRange<int64_t>(least, most + 1); }

PlanModel random_model(const std::string& name) {
  PlanModel model;
  model.name = name;
  model.architecture = "qwen3";
  model.n_parameters = pick(100'000'000, 40'000'000'000);
  model.n_layers = model.n_embd = model.n_heads = model.n_kv_heads = model.head_dim = model.n_vocab = 64;
  model.trained_context = pick(1'024, 65'536);
  model.file_context = model.trained_context + pick(0, 40'000);
  model.largest_context = model.file_context + pick(0, 500'000);
  const int64_t n_weights = pick(1, 4), n_kv = pick(1, 4);
  for (int64_t i = 0; i < n_weights; ++i) {
    const int64_t n_bytes = model.n_parameters / 8 * pick(2, 16);
    model.weights.push_back({.name = "W" + std::to_string(i), .n_bytes = n_bytes, .decode_read_bytes = n_bytes,
                             .scratch_bytes = pick(0, 1 << 26), .bits_per_weight = 1,
                             .same_top = 1 - 0.03 * static_cast<double>(i)});
  }
  const char* kNames[] = {"f16", "int8", "k8v4", "int4"};
  for (int64_t i = 0; i < n_kv; ++i) {
    const double per_token = static_cast<double>(pick(100, 200'000)) + 0.25;
    model.kv.push_back({kNames[i], per_token, pick(0, 1 << 25), pick(0, 1 << 25), ""});
  }
  model.overhead_bytes = pick(0, 1 << 30);
  model.activation_bytes = pick(0, 1 << 29);
  return model;
}

struct Case {
  PlanModel model = random_model("large");
  std::vector<PlanModel> others = {random_model("a"), random_model("b"), random_model("c")};
  PlanDevice device;
  PlanRequest request;
  Case() {
    device.gpu = *rc::gen::arbitrary<bool>();
    device.memory_bytes = device.usable_bytes = pick(1 << 28, int64_t{64} << 30);
    device.bandwidth_gb_per_s = static_cast<double>(pick(0, 1'000));
    request.context = pick(1, model.largest_context);
    request.concurrent = pick(1, 40);
    request.rag_bytes = pick(0, 1) * pick(1, int64_t{2} << 30);
    if (pick(0, 1) == 1) request.weights = model.weights.front().name;
    if (pick(0, 1) == 1) request.kv = model.kv.back().name;
  }
};

void check_sums(const PlanChoice& choice, const PlanDevice& device) {
  int64_t sum = 0;
  for (const PlanPart& part : choice.parts) {
    RC_ASSERT(part.n_bytes >= 0);
    sum += part.n_bytes;
  }
  RC_ASSERT(choice.total_bytes == sum);
  RC_ASSERT(choice.missing_bytes == sum - device.usable_bytes);
  RC_ASSERT(choice.fits == (sum <= device.usable_bytes));
}

// The same choice, asked for by name.
Plan plan_again(const Case& in, const PlanChoice& choice) {
  const PlanModel* model = &in.model;
  std::vector<PlanModel> none;
  for (const PlanModel& other : in.others) {
    if (other.name == choice.model.name) model = &other;
  }
  PlanRequest request = in.request;
  request.context = choice.context;
  request.concurrent = choice.concurrent;
  request.weights = choice.weights;
  request.kv = choice.kv;
  if (!choice.with_rag) request.rag_bytes = 0;
  return *make_plan(*model, none, in.device, request);
}

TEST(PlannerProperty, AlternativesFitByTheSameArithmetic) {
  rc::check([] {
    const Case in;
    const Result<Plan> plan = make_plan(in.model, in.others, in.device, in.request);
    RC_ASSERT(plan.ok());
    check_sums(plan->asked, in.device);
    for (const PlanChoice& choice : plan->options) check_sums(choice, in.device);
    RC_ASSERT(!plan->asked.fits || plan->alternatives.empty());
    RC_ASSERT(plan->alternatives.size() <= 3U);
    for (const PlanChoice& choice : plan->alternatives) {
      RC_ASSERT(choice.fits);
      RC_ASSERT(!choice.changes.empty());
      RC_ASSERT(choice.context <= in.request.context);
      RC_ASSERT(choice.concurrent <= in.request.concurrent);
      check_sums(choice, in.device);
      const Plan again = plan_again(in, choice);
      RC_ASSERT(again.asked.fits);
      RC_ASSERT(again.asked.total_bytes == choice.total_bytes);
    }
  });
}

TEST(PlannerProperty, MoreMemoryNeverFitsLess) {
  rc::check([] {
    Case in;
    const Plan before = *make_plan(in.model, in.others, in.device, in.request);
    in.device.usable_bytes += pick(1, int64_t{32} << 30);
    const Plan after = *make_plan(in.model, in.others, in.device, in.request);
    RC_ASSERT(before.options.size() == after.options.size());
    for (size_t i = 0; i < before.options.size(); ++i) RC_ASSERT(!before.options[i].fits || after.options[i].fits);
    RC_ASSERT(!before.asked.fits || after.asked.fits);
    if (!before.alternatives.empty()) RC_ASSERT(after.asked.fits || !after.alternatives.empty());
  });
}

TEST(PlannerProperty, OpenChoicesFitWhereAnyPairDoes) {
  rc::check([] {
    Case in;
    in.request.weights = in.request.kv = "";
    const Plan plan = *make_plan(in.model, in.others, in.device, in.request);
    bool any = false;
    for (const PlanChoice& choice : plan.options) any = any || choice.fits;
    RC_ASSERT(plan.asked.fits == any);
  });
}

// Longer texts, and more of them, never take less.
TEST(PlannerProperty, MemoryGrowsWithContextAndTexts) {
  rc::check([] {
    Case in;
    in.request.weights = in.model.weights.front().name;
    in.request.kv = in.model.kv.front().name;
    const Plan longer = *make_plan(in.model, {}, in.device, in.request);
    in.request.context = pick(1, in.request.context);
    in.request.concurrent = pick(1, in.request.concurrent);
    const Plan shorter = *make_plan(in.model, {}, in.device, in.request);
    RC_ASSERT(shorter.asked.total_bytes <= longer.asked.total_bytes);
  });
}

}  // namespace
}  // namespace docmind::control
