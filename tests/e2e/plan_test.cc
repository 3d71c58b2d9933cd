// docmind plan: what people and scripts see.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "control/planner.h"
#include "support/docmind.h"
#include "support/model_writer.h"

namespace docmind::test {
namespace {

const std::vector<std::string> kTooLarge = {"plan",        "--model", "qwen3-14b", "--context",
                                            "131072",      "--vram",  "12GiB",     "--json"};

TEST(Plan, SaysThat14BillionAt128KDoNotFit12GiBAndWhatDoes) {
  const Sandbox box;
  const json::value plan = box.json_of(kTooLarge, 5);
  const json::value& asked = plan.at("asked");
  EXPECT_FALSE(asked.at("fits").as_bool());
  EXPECT_EQ(text(asked, "weights"), "Q4_K_M");
  EXPECT_EQ(text(asked, "kv"), "int8");
  EXPECT_EQ(number(asked, "missing_bytes"), number(asked, "total_bytes") - number(asked.at("device"), "usable_bytes"));
  const json::array others = list(plan, "alternatives");
  ASSERT_EQ(others.size(), 3U);
  for (const json::value& other : others) {
    EXPECT_TRUE(other.at("fits").as_bool());
    // Each of them, asked for by its name, fits.
    const json::value again = box.json_of({"plan", "--model", text(other.at("model"), "name"), "--context",
                                           std::to_string(number(other, "context")), "--vram", "12GiB", "--weights",
                                           text(other, "weights"), "--kv", text(other, "kv"), "--json"});
    EXPECT_EQ(number(again.at("asked"), "total_bytes"), number(other, "total_bytes"));
  }
  const ProcessResult words = box.run({"plan", "--model", "qwen3-14b", "--context", "128k", "--vram", "12GiB"});
  EXPECT_EQ(words.code, 5);
  EXPECT_TRUE(contains(words.out, "It does not fit: 19.90 GiB are needed, 11.40 GiB can be used")) << words.out;
  EXPECT_TRUE(contains(words.out, "\n  3. ")) << words.out;
  EXPECT_TRUE(contains(words.out, "YaRN, factor 4")) << words.out;
}

TEST(Plan, ItsJsonIsReadBack) {
  const Sandbox box;
  const ProcessResult result = box.run(kTooLarge);
  const Result<control::PlanChoice> plan = control::parse_plan(result.out);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->model.hugging_face, "Qwen/Qwen3-14B");
  EXPECT_EQ(plan->context, 131'072);
}

TEST(Plan, CountsTextsRagAndCards) {
  const Sandbox box;
  const json::value plan =
      box.json_of({"plan", "qwen3-4b", "--context", "8k", "--gpu", "RTX 3060", "--concurrent", "3", "--with-rag",
                   "--weights", "q4_k_m", "--kv", "int8", "--json"});
  const json::value& asked = plan.at("asked");
  EXPECT_EQ(number(asked, "concurrent"), 3);
  EXPECT_TRUE(asked.at("with_rag").as_bool());
  EXPECT_EQ(text(asked.at("device"), "name"), "RTX 3060 12GB");
  for (const json::value& part : list(asked, "parts")) {
    const bool is_kv = text(part, "name") == "kv";
    EXPECT_TRUE(!is_kv || number(part, "bytes") == 3 * 8'192 * 78'336) << number(part, "bytes");
  }
}

TEST(Plan, PlansAFileForTheNativeEngine) {
  const Sandbox box;
  const std::string path = box.folder.path("nano.gguf");
  ASSERT_TRUE(write_model({}, path).ok());
  const json::value plan = box.json_of({"plan", path, "--json"});
  const json::value& asked = plan.at("asked");
  EXPECT_EQ(text(asked, "provider"), "native");
  EXPECT_EQ(text(asked, "weights"), "Q8_0");
  EXPECT_EQ(text(asked.at("model"), "file"), path);
  EXPECT_EQ(number(asked, "context"), 512);
  EXPECT_TRUE(asked.at("fits").as_bool());
  const ProcessResult small = box.run({"plan", path, "--ram", "24MiB"});
  EXPECT_EQ(small.code, 5) << small.err;
}

TEST(Plan, RefusesWithWhatToDo) {
  const Sandbox box;
  const auto refused = [&](std::vector<std::string> args, int code, std::initializer_list<std::string_view> parts) {
    args.insert(args.begin(), "plan");
    const ProcessResult result = box.run(args);
    EXPECT_EQ(result.code, code) << result.out << result.err;
    EXPECT_EQ(result.out, "");
    for (const std::string_view part : parts) EXPECT_TRUE(contains(result.err, part)) << result.err;
  };
  refused({"qwen3-14b", "--gpu", "RTX 4060", "--vram", "12GiB"}, 2, {"RTX 4060 has 8.0 GiB", "--vram says 12 GiB"});
  refused({"Qwen3-14B-Instruct", "--vram", "12GiB"}, 1, {"Qwen/Qwen3-14B follows instructions", "'qwen3-14b'"});
  refused({"qwen3-14b", "--gpu", "RTX 4061"}, 1, {"RTX 4060"});
  refused({"qwen3-14b", "--context", "200000", "--vram", "12GiB"}, 2, {"200,000", "131,072"});
  refused({"qwen3-14b", "--context", "many", "--vram", "12GiB"}, 2, {"'many'", "131072 or 128k"});
  refused({"qwen3-14b", "--kv", "q4_K_M", "--vram", "12GiB"}, 2, {"'q4_K_M'", "'int4' is the nearest"});
  refused({"qwen3-14b", "--provider", "ollama", "--kv", "k8v4", "--vram", "12GiB"}, 2, {"'k8v4'", "ollama"});
  refused({"qwen3-14b", "--provider", "lamacpp", "--vram", "12GiB"}, 2, {"did you mean 'llamacpp'?"});
  refused({"qwen3-14b", "--provider", "native", "--vram", "12GiB"}, 2, {"on the CPU"});
  refused({"qwen3-14b", "--ram", "16GiB", "--vram", "12GiB"}, 2, {"give one of them"});
  refused({"qwen3-14b", "--vram", "12 apples"}, 2, {"'12 apples'", "12GiB"});
  refused({"missing.gguf"}, 1, {"missing.gguf"});
}

}  // namespace
}  // namespace docmind::test
