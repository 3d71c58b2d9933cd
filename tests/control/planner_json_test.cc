// Plans as JSON: what is written is read back, and hostile text is refused by the name of its field.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "control/planner.h"
#include "plan_family.h"

namespace docmind::control {
namespace {

Plan sample_plan() {
  PlanRequest request;
  request.provider = PlanProvider::kVllm;
  request.context = 131'072;
  request.concurrent = 2;
  request.rag_bytes = 99;
  request.rag = "both";
  return *make_plan(family_model(14), {family_model(8)}, family_card(12), request);
}

json::object sample_json() { return plan_to_json(sample_plan()); }

std::string text(const json::value& value) { return json::serialize(value); }

// The parser may round the last bit another way.
void expect_near(const std::optional<double>& a, const std::optional<double>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  EXPECT_DOUBLE_EQ(a.value_or(0), b.value_or(0));
}

void expect_equal(const PlanChoice& a, const PlanChoice& b) {
  EXPECT_EQ(a.provider, b.provider);
  EXPECT_EQ(a.model.name, b.model.name);
  EXPECT_EQ(a.model.file, b.model.file);
  EXPECT_EQ(a.model.hugging_face, b.model.hugging_face);
  EXPECT_EQ(a.model.ollama, b.model.ollama);
  EXPECT_EQ(a.model.architecture, b.model.architecture);
  EXPECT_EQ(a.model.n_parameters, b.model.n_parameters);
  EXPECT_EQ(a.model.n_layers, b.model.n_layers);
  EXPECT_EQ(a.model.n_embd, b.model.n_embd);
  EXPECT_EQ(a.model.n_heads, b.model.n_heads);
  EXPECT_EQ(a.model.n_kv_heads, b.model.n_kv_heads);
  EXPECT_EQ(a.model.head_dim, b.model.head_dim);
  EXPECT_EQ(a.model.n_vocab, b.model.n_vocab);
  EXPECT_EQ(a.model.file_context, b.model.file_context);
  EXPECT_EQ(a.model.trained_context, b.model.trained_context);
  EXPECT_EQ(a.model.largest_context, b.model.largest_context);
  EXPECT_DOUBLE_EQ(a.model.rope_base, b.model.rope_base);
  EXPECT_EQ(a.model.overhead_bytes, b.model.overhead_bytes);
  EXPECT_EQ(a.model.activation_bytes, b.model.activation_bytes);
  EXPECT_EQ(a.device.name, b.device.name);
  EXPECT_EQ(a.device.gpu, b.device.gpu);
  EXPECT_EQ(a.device.memory_bytes, b.device.memory_bytes);
  EXPECT_EQ(a.device.usable_bytes, b.device.usable_bytes);
  EXPECT_DOUBLE_EQ(a.device.bandwidth_gb_per_s, b.device.bandwidth_gb_per_s);
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.kv, b.kv);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.concurrent, b.concurrent);
  EXPECT_EQ(a.with_rag, b.with_rag);
  ASSERT_EQ(a.parts.size(), b.parts.size());
  for (size_t i = 0; i < a.parts.size(); ++i) {
    EXPECT_EQ(a.parts[i].name, b.parts[i].name);
    EXPECT_EQ(a.parts[i].n_bytes, b.parts[i].n_bytes);
    EXPECT_EQ(a.parts[i].note, b.parts[i].note);
  }
  EXPECT_EQ(a.total_bytes, b.total_bytes);
  EXPECT_EQ(a.fits, b.fits);
  EXPECT_EQ(a.missing_bytes, b.missing_bytes);
  expect_near(a.decode_tokens_per_s, b.decode_tokens_per_s);
  expect_near(a.decode_tokens_per_s_empty, b.decode_tokens_per_s_empty);
  expect_near(a.decode_tokens_per_s_together, b.decode_tokens_per_s_together);
  EXPECT_EQ(a.quality, b.quality);
  EXPECT_EQ(a.changes, b.changes);
  EXPECT_EQ(a.notes, b.notes);
}

TEST(PlanJson, IsReadBackWhole) {
  const Plan plan = sample_plan();
  const Result<PlanChoice> asked = parse_plan(to_string_pretty(plan_to_json(plan)));
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  expect_equal(*asked, plan.asked);
  // An alternative alone is a plan too.
  ASSERT_FALSE(plan.alternatives.empty());
  const Result<PlanChoice> other = parse_plan(text(sample_json().at("alternatives").at(0)));
  ASSERT_TRUE(other.ok()) << other.error().message;
  expect_equal(*other, plan.alternatives[0]);
}

TEST(PlanJson, LeavesOutASpeedThatIsNotKnown) {
  PlanDevice card = family_card(64);
  card.bandwidth_gb_per_s = 0;
  const Plan plan = *make_plan(family_model(14), {}, card, {});
  const json::object object = plan_to_json(plan);
  EXPECT_FALSE(object.at("asked").as_object().contains("decode_tokens_per_s"));
  expect_equal(*parse_plan(text(object)), plan.asked);
}

struct Edit {
  const char* field;  // what the error must name
  std::function<void(json::object& asked)> apply;
};

TEST(PlanJson, NamesTheFieldThatIsWrong) {
  const auto model = [](json::object& asked) -> json::object& { return asked["model"].as_object(); };
  const std::vector<Edit> edits = {
      {"asked.provider", [](json::object& a) { a["provider"] = "lmstudio"; }},
      {"asked.provider", [](json::object& a) { a["provider"] = 3; }},
      {"asked.model", [](json::object& a) { a.erase("model"); }},
      {"asked.model", [](json::object& a) { a["model"] = json::array{1}; }},
      {"asked.model.name", [&](json::object& a) { model(a)["name"] = std::string(5'000, 'x'); }},
      {"asked.model.file", [&](json::object& a) { model(a)["file"] = std::string("a\0b", 3); }},
      {"asked.model.layers", [&](json::object& a) { model(a)["layers"] = -3; }},
      {"asked.model.layers", [&](json::object& a) { model(a)["layers"] = 1.5; }},
      {"asked.model.heads", [&](json::object& a) { model(a)["heads"] = UINT64_MAX; }},
      {"asked.model.rope_base", [&](json::object& a) { model(a)["rope_base"] = "1e6"; }},
      {"asked.device.gpu", [](json::object& a) { a["device"].as_object()["gpu"] = 1; }},
      {"asked.context", [](json::object& a) { a["context"] = 0; }},
      {"asked.context", [](json::object& a) { a["context"] = 131'073; }},
      {"asked.concurrent", [](json::object& a) { a["concurrent"] = INT64_MAX; }},
      {"asked.with_rag", [](json::object& a) { a["with_rag"] = "yes"; }},
      {"asked.parts", [](json::object& a) { a["parts"] = json::array(65, json::value(1)); }},
      {"asked.parts[0]", [](json::object& a) { a["parts"].as_array()[0] = nullptr; }},
      {"asked.parts[1].bytes", [](json::object& a) { a["parts"].at(1).as_object()["bytes"] = INT64_MAX; }},
      {"asked.total_bytes", [](json::object& a) { a["total_bytes"] = 1; }},
      {"asked.missing_bytes", [](json::object& a) { a["missing_bytes"] = -1; }},
      {"asked.fits", [](json::object& a) { a["fits"] = true; }},
      {"asked.decode_tokens_per_s", [](json::object& a) { a["decode_tokens_per_s"] = -1.0; }},
      {"asked.notes[0]", [](json::object& a) { a["notes"] = json::array{7}; }},
  };
  for (const Edit& edit : edits) {
    json::object object = sample_json();
    edit.apply(object["asked"].as_object());
    const Result<PlanChoice> read = parse_plan(text(object));
    ASSERT_FALSE(read.ok()) << edit.field;
    EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
    EXPECT_NE(read.error().message.find(std::string("'") + edit.field + "'"), std::string::npos)
        << edit.field << ": " << read.error().message;
  }
}

// Without any one of its fields a plan is refused; none is filled in.
TEST(PlanJson, NeedsEveryField) {
  const json::object whole = sample_json();
  for (const auto& [key, value] : whole.at("asked").as_object()) {
    if (key.starts_with("decode_")) continue;
    json::object object = whole;
    object["asked"].as_object().erase(key);
    EXPECT_FALSE(parse_plan(text(object)).ok()) << key;
  }
}

TEST(PlanJson, SurvivesOtherText) {
  const std::string whole = text(sample_json());
  for (size_t n = 0; n < whole.size(); n += 97) EXPECT_FALSE(parse_plan(whole.substr(0, n)).ok()) << n;
  for (const char* other : {"", "null", "[]", "{}", R"({"asked": []})", "\xff\xfe",
                            R"({"asked": {"provider": "native"}})"}) {
    EXPECT_FALSE(parse_plan(other).ok()) << other;
  }
  EXPECT_FALSE(parse_plan(std::string(100'000, '[')).ok());
}

}  // namespace
}  // namespace docmind::control
