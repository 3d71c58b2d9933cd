// What 'docmind plan' prints of plans that fit and of plans that do not.
// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_report.h"

#include <gtest/gtest.h>

#include <string>

#include "support/docmind.h"

namespace docmind::cli {
namespace {

using control::Plan;
using control::PlanChoice;
using test::contains;

constexpr int64_t kGiB = int64_t{1} << 30;

PlanChoice choice_of(std::string weights, std::string kv, int64_t total) {
  PlanChoice choice;
  choice.model.name = "a-model";
  choice.device = {.name = "a card", .gpu = true, .memory_bytes = 12 * kGiB, .usable_bytes = 11 * kGiB,
                   .bandwidth_gb_per_s = 360};
  choice.weights = std::move(weights);
  choice.kv = std::move(kv);
  choice.context = 131'072;
  choice.parts = {{"weights", 8 * kGiB, "as they are"}, {"kv", total - 8 * kGiB, "a \x1b[31mnote"}};
  choice.total_bytes = total;
  choice.missing_bytes = total - 11 * kGiB;
  choice.fits = choice.missing_bytes <= 0;
  return choice;
}

Plan fitting_plan() {
  Plan plan;
  plan.asked = choice_of("Q4_K_M", "int8", 10 * kGiB);
  plan.asked.decode_tokens_per_s = 20;
  plan.asked.decode_tokens_per_s_empty = 40.5;
  plan.asked.quality = {"Q4_K_M: good"};
  plan.asked.notes = {"a note"};
  plan.options = {choice_of("Q4_K_M", "f16", 20 * kGiB), choice_of("Q4_K_M", "int8", 10 * kGiB)};
  return plan;
}

TEST(PlanReport, ShowsPartsVerdictSpeedAndMatrix) {
  const Terminal terminal("never");
  const std::string text = plan_report(fitting_plan(), terminal);
  EXPECT_TRUE(contains(text, "a-model for a text of 131,072 tokens: llama.cpp, a card\n")) << text;
  EXPECT_TRUE(contains(text, "  weights         8.00 GiB  as they are\n")) << text;
  EXPECT_TRUE(contains(text, "  total          10.00 GiB\n")) << text;
  EXPECT_TRUE(contains(text, "It fits: 1.00 GiB are free.\n")) << text;
  EXPECT_TRUE(contains(text, "at most 20 tokens a second at the end of such a text, 40.5 at its beginning")) << text;
  EXPECT_TRUE(contains(text, "  Q4_K_M         20.00     10.00 *\n")) << text;
  EXPECT_TRUE(contains(text, "Quality: Q4_K_M: good\n")) << text;
  EXPECT_TRUE(contains(text, "Notes:\n  - a note\n")) << text;
  EXPECT_FALSE(contains(text, "Nearest that fit")) << text;
  EXPECT_FALSE(contains(text, "\x1b")) << "what names and notes hold must not reach the terminal";
}

TEST(PlanReport, ShowsWhatToChange) {
  const Terminal terminal("never");
  Plan plan = fitting_plan();
  plan.asked = choice_of("Q4_K_M", "int8", 20 * kGiB);
  plan.asked.concurrent = 3;
  PlanChoice other = choice_of("Q4_K_M", "int4", 10 * kGiB);
  other.model.name = "b-model";
  other.changes = {"b-model instead of a-model", "keys and values in int4 instead of int8"};
  other.quality = {"KV int4: a loss"};
  other.notes = {"a note"};
  plan.alternatives = {other};
  const std::string text = plan_report(plan, terminal);
  EXPECT_TRUE(contains(text, "It does not fit: 20.00 GiB are needed, 11.00 GiB can be used, 9.00 GiB are missing."))
      << text;
  EXPECT_TRUE(contains(text, "a-model for 3 texts of")) << text;
  EXPECT_TRUE(contains(text, "  1. b-model instead of a-model; keys and values in int4 instead of int8\n")) << text;
  EXPECT_TRUE(contains(text, "10.00 GiB of 11.00 GiB usable: b-model alone, Q4_K_M and int4, 131,072 tokens\n"))
      << text;
  EXPECT_TRUE(contains(text, "     KV int4: a loss\n")) << text;
  EXPECT_TRUE(contains(text, "--bandwidth says it")) << text;
  plan.alternatives.clear();
  EXPECT_TRUE(contains(plan_report(plan, terminal), "Nothing of this family fits"));
}

}  // namespace
}  // namespace docmind::cli
