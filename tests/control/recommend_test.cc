// Recommendations: each appears for its own reason, with its numbers and the setting that does it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "control_input.h"

namespace docmind::control {
namespace {

int64_t of_budget(double share) { return static_cast<int64_t>(share * 12 * kGiB); }

std::optional<Recommendation> find(const Controller& controller, const ControlInput& in, std::string_view id) {
  for (const Recommendation& item : controller.recommend(in)) {
    if (item.id == id) return item;
  }
  return std::nullopt;
}

TEST(Recommendations, AreNoneWhenAllIsWell) {
  const Controller controller = make_controller();
  EXPECT_TRUE(controller.recommend(calm_input(0, 0.3)).empty());
  EXPECT_TRUE(controller.recommend(ControlInput{}).empty());
}

TEST(Recommendations, SmallerKeysAndValues) {
  ControlInput in = calm_input(0, 0.97);
  in.kv_used_bytes = of_budget(0.92);
  in.kv_budget_bytes = 0;
  const auto int4 = find(make_controller(), in, "kv_int4");
  ASSERT_TRUE(int4);
  EXPECT_EQ(int4->text, "KV cache is 92% of the 12 GiB budget; int4 for new sequences saves 7.8 GiB");
  EXPECT_EQ(int4->setting, "kv.format = \"int4\"");
  EXPECT_FALSE(find(make_controller(), in, "kv_int8"));

  in.kv_used_bytes = of_budget(0.6);
  const auto int8 = find(make_controller(), in, "kv_int8");
  ASSERT_TRUE(int8);
  EXPECT_EQ(int8->text, "KV cache is 60% of the 12 GiB budget; int8 for new sequences saves 3.3 GiB");

  ControlOptions options;
  options.configured.kv_format = KvFormat::kInt8;
  const auto from_int8 = find(make_controller(options), in, "kv_int4");
  ASSERT_TRUE(from_int8);
  EXPECT_EQ(from_int8->text, "KV cache is 60% of the 12 GiB budget; int4 for new sequences saves 3.3 GiB");
  options.configured.kv_format = KvFormat::kInt4;
  EXPECT_FALSE(find(make_controller(options), in, "kv_int4"));
}

TEST(Recommendations, DoNotPromiseASavingThatIsMadeAlready) {
  Controller controller = make_controller();
  controller.step(calm_input(0, 0.95), nullptr);  // int4 from here on
  ControlInput in = calm_input(1'000, 0.97);
  in.kv_used_bytes = of_budget(0.92);
  in.kv_budget_bytes = 0;
  const auto int4 = find(controller, in, "kv_int4");
  ASSERT_TRUE(int4);
  EXPECT_EQ(int4->text.find("saves"), std::string::npos) << int4->text;
}

TEST(Recommendations, MoreMemoryOrLessInIt) {
  ControlInput in = calm_input(0, 0.95);
  in.memory_used_bytes = of_budget(0.95);
  const auto budget = find(make_controller(), in, "memory_budget");
  ASSERT_TRUE(budget);
  EXPECT_EQ(budget->text,
            "memory budget is 95% used (11.4 of 12.0 GiB); with 15.2 GiB this load runs without halved batches");
  EXPECT_EQ(budget->setting, "memory.budget_mib = 15565");
  in.memory_name = "GPU memory";
  EXPECT_EQ(find(make_controller(), in, "memory_budget")->setting, "");
  const auto weights = find(make_controller(), in, "smaller_weights");
  ASSERT_TRUE(weights);
  EXPECT_NE(weights->text.find("take 95% of the GPU memory (11.4 of 12.0 GiB)"), std::string::npos) << weights->text;
}

TEST(Recommendations, ShorterContext) {
  ControlInput in = calm_input(0, 0.6);
  in.kv_used_bytes = 7 * kGiB;  // of 8
  in.n_running = 2;
  in.n_queued = 5;
  in.context_tokens = 32'768;
  const auto advice = find(make_controller(), in, "shorter_context");
  ASSERT_TRUE(advice);
  EXPECT_EQ(advice->text,
            "a text takes 3.5 GiB of keys and values, 44% of the KV budget, while 5 wait; with half the context twice "
            "as many run at once");
  EXPECT_EQ(advice->setting, "model.context = 16384");
}

TEST(Recommendations, MoreTogether) {
  ControlInput in = calm_input(0, 0.3);
  in.n_running = 8;
  in.n_queued = 12;
  const auto sequences = find(make_controller(), in, "more_sequences");
  ASSERT_TRUE(sequences);
  EXPECT_EQ(sequences->text,
            "8 texts run together, the most that is configured, 12 wait, and memory budget is 30% used (3.6 of 12.0 "
            "GiB)");
  EXPECT_EQ(sequences->setting, "batch.sequences = 16");
  in.n_running = 4;
  in.n_workers = 4;
  const auto workers = find(make_controller(), in, "more_workers");
  ASSERT_TRUE(workers);
  EXPECT_EQ(workers->text, "12 questions wait for 4 workers, while 8 texts could be generated together");
  EXPECT_EQ(workers->setting, "server.workers = 8");
}

TEST(Recommendations, FasterAnswers) {
  ControlInput in = calm_input(0, 0.3);
  in.service_ms = 5'200;
  in.rerank_ms = 1'800;
  in.n_refused = 5;
  in.n_answered = 45;
  const Controller controller = make_controller();
  EXPECT_NE(find(controller, in, "smaller_model")->text.find("takes 5.2 s without waiting, the target is 3.0 s"),
            std::string::npos);
  EXPECT_EQ(find(controller, in, "rerank_depth")->setting, "search.rerank_depth = 20");
  EXPECT_EQ(find(controller, in, "more_capacity")->text,
            "5 of the last 50 questions were refused (10%); more cores, a GPU or a second server is needed for this "
            "load");
}

TEST(Recommendations, OfTheCache) {
  ControlInput in = calm_input(0, 0.3);
  in.n_answered = 100;
  in.cache_hit_rate = 0.04;
  EXPECT_FALSE(find(make_controller(), in, "semantic_cache"));
  in.semantic_cache = false;
  EXPECT_EQ(find(make_controller(), in, "semantic_cache")->setting, "cache.semantic = true");
  in.cache_hit_rate = 0.35;
  in.cache_used_bytes = 64 * kMiB;
  const auto larger = find(make_controller(), in, "larger_cache");
  ASSERT_TRUE(larger);
  EXPECT_EQ(larger->text,
            "the answer cache is full (64.0 of 64.0 MiB) and answers 35% of the questions; there is memory for one of "
            "twice the size");
  EXPECT_EQ(larger->setting, "cache.memory_mib = 128");
  in = calm_input(0, 0.85);
  in.n_answered = 100;
  in.cache_used_bytes = 60 * kMiB;
  in.cache_hit_rate = 0.01;
  EXPECT_EQ(find(make_controller(), in, "smaller_cache")->setting, "cache.memory_mib = 32");
}

TEST(Recommendations, HaveEachTheirOwnName) {
  ControlInput in = calm_input(0, 0.97);
  in.kv_used_bytes = of_budget(0.2);
  in.kv_budget_bytes = of_budget(0.2);
  in.n_running = 2;
  in.n_queued = 5;
  in.n_refused = 3;
  in.n_answered = 100;
  in.service_ms = in.rerank_ms = 9'000;
  in.cache_used_bytes = 64 * kMiB;
  in.semantic_cache = false;
  std::set<std::string> ids;
  const auto list = make_controller().recommend(in);
  for (const Recommendation& item : list) ids.insert(item.id);
  EXPECT_EQ(ids.size(), list.size());
  EXPECT_GE(ids.size(), 7u);
}

}  // namespace
}  // namespace docmind::control
