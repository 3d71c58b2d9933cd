// docmind plan | docmind config export: what the written files do in a shell, in systemd and line by line.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/docmind.h"

namespace docmind::test {
namespace {

class ConfigExport : public testing::Test {
 protected:
  // plan.json fits its card.
  ConfigExport() {
    plan("plan.json", {"--context", "32768", "--vram", "24GiB", "--weights", "Q4_K_M", "--kv", "int8"});
  }

  void plan(const std::string& file, std::vector<std::string> flags, int code = 0) const {
    flags.insert(flags.begin(), {"plan", "--model", "qwen3-14b", "--json"});
    const ProcessResult result = box_.run(flags);
    EXPECT_EQ(result.code, code) << result.err;
    box_.folder.write(file, result.out);
  }
  [[nodiscard]] ProcessResult export_plan(std::vector<std::string> flags, const std::string& file = "plan.json") const {
    flags.insert(flags.begin(), {"config", "export", "--from-plan", file});
    return box_.run(flags);
  }
  [[nodiscard]] std::string exported(std::vector<std::string> flags, const std::string& file = "plan.json") const {
    const ProcessResult result = export_plan(std::move(flags), file);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }
  // A program in the PATH that prints its arguments and the variables that `pattern` finds, a line each.
  void stand_in(const std::string& name, const std::string& pattern) const {
    const std::string path = box_.folder.write(
        "bin/" + name, "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; done\nenv | grep '" + pattern +
                           "' | LC_ALL=C sort\nexit 0\n");
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
  }
  [[nodiscard]] std::vector<std::string> lines_from_script(const std::string& script) const {
    box_.folder.write("start.sh", script);
    const ProcessResult checked = box_.shell("bash -n start.sh");
    EXPECT_EQ(checked.code, 0) << checked.err << script;
    const ProcessResult result = box_.shell("PATH=" + box_.folder.path("bin") + ":$PATH bash start.sh");
    EXPECT_EQ(result.code, 0) << result.err;
    return lines_of(result.out);
  }

  Sandbox box_;
};

bool holds_in_order(const std::vector<std::string>& lines, const std::vector<std::string>& wanted) {
  return std::search(lines.begin(), lines.end(), wanted.begin(), wanted.end()) != lines.end();
}

TEST_F(ConfigExport, ReadsThePlanFromAPipe) {
  const ProcessResult result =
      box_.shell("docmind plan --model qwen3-8b --context 8192 --vram 12GiB --weights Q4_K_M --kv int8 --json | "
                 "docmind config export --provider ollama --from-plan - --form env");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "\nOLLAMA_KV_CACHE_TYPE=q8_0\n")) << result.out;
  EXPECT_TRUE(contains(result.out, "\nOLLAMA_CONTEXT_LENGTH=8192\n")) << result.out;
}

TEST_F(ConfigExport, TheScriptGivesTheServerExactlyItsArguments) {
  stand_in("llama-server", "^LLAMA_");
  const std::string path = "/models/it's 100% \"mine\" $HOME `x`.gguf";
  const std::vector<std::string> lines = lines_from_script(exported(
      {"--provider", "llamacpp", "--form", "shell", "--model-file", path, "--set", "LLAMA_ATTN_ROT_DISABLE=1",
       "--set=--ubatch-size=1024", "--set", "alias=my model;rm -rf *"}));
  const std::vector<std::string> wanted = {"-m", path, "-c", "32768", "-np", "1", "-ctk", "q8_0", "-ctv", "q8_0"};
  EXPECT_TRUE(holds_in_order(lines, wanted)) << testing::PrintToString(lines);
  EXPECT_TRUE(holds_in_order(lines, {"--ubatch-size", "1024", "--alias", "my model;rm -rf *"}));
  EXPECT_TRUE(holds_in_order(lines, {"LLAMA_ATTN_ROT_DISABLE=1"}));
}

TEST_F(ConfigExport, VllmReadsItsOverridesAsOneArgument) {
  plan("long.json", {"--context", "131072", "--vram", "96GiB", "--weights", "F16", "--provider", "vllm"});
  stand_in("vllm", "^VLLM_");
  const std::vector<std::string> lines = lines_from_script(exported({"--form", "shell"}, "long.json"));
  ASSERT_GT(lines.size(), 2U);
  EXPECT_EQ(lines[0], "serve");
  EXPECT_EQ(lines[1], "Qwen/Qwen3-14B");
  const auto flag = std::find(lines.begin(), lines.end(), "--hf-overrides");
  ASSERT_NE(flag, lines.end()) << testing::PrintToString(lines);
  const Result<json::value> overrides = parse_json(*(flag + 1), 8, 4096);
  ASSERT_TRUE(overrides.ok()) << *(flag + 1);
  EXPECT_EQ(overrides->at("rope_parameters").at("factor").to_number<double>(), 4.0);
}

TEST_F(ConfigExport, OllamasScriptStartsItWithItsVariables) {
  stand_in("ollama", "^OLLAMA_");
  const std::vector<std::string> lines = lines_from_script(exported({"--provider", "ollama", "--form", "shell"}));
  EXPECT_TRUE(holds_in_order(lines, {"serve"}));
  EXPECT_TRUE(holds_in_order(lines, {"OLLAMA_FLASH_ATTENTION=1"}));
  EXPECT_TRUE(holds_in_order(lines, {"OLLAMA_KV_CACHE_TYPE=q8_0"}));
}

TEST_F(ConfigExport, EnvironmentFilesAreNamesAndValues) {
  for (const char* provider : {"ollama", "llamacpp", "vllm"}) {
    const std::string model = std::string(provider) == "vllm" ? "me/model" : "/m/a 'b'.gguf";
    const std::string text = exported({"--provider", provider, "--form", "env", "--model-file", model});
    for (const std::string& line : lines_of(text)) {
      if (line.empty() || line[0] == '#') continue;
      const size_t equals = line.find('=');
      ASSERT_NE(equals, std::string::npos) << line;
      EXPECT_EQ(line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"), equals) << line;
    }
    box_.folder.write("settings.env", text);
    const ProcessResult sourced = box_.shell("set -a; . ./settings.env; env");
    EXPECT_EQ(sourced.code, 0) << sourced.err << text;
    EXPECT_TRUE(std::string(provider) != "llamacpp" || contains(sourced.out, "\nLLAMA_ARG_MODEL=/m/a 'b'.gguf\n"));
  }
}

TEST_F(ConfigExport, SystemdTakesTheUnits) {
  const std::string analyzer = "/usr/bin/systemd-analyze";
  if (::access(analyzer.c_str(), X_OK) != 0) GTEST_SKIP() << "there is no systemd here";
  // What it says of a unit; a machine without a running systemd says more.
  const auto complaints = [&](const std::string& unit) {
    const ProcessResult result = box_.shell("SYSTEMD_UNIT_PATH=" + box_.folder.path("units") + ": " + analyzer +
                                            " verify --man=no " + box_.folder.path("units/" + unit) + " 2>&1");
    std::string lines;
    for (const std::string& line : lines_of(result.out)) lines += contains(line, unit) ? line + "\n" : "";
    return lines;
  };
  const auto verify = [&](const std::string& unit) { EXPECT_EQ(complaints(unit), ""); };
  box_.folder.write("units/wrong.service", "[Service]\nExecStart=/usr/bin/env true\nEnvironment=\"open\n");
  if (complaints("wrong.service").empty()) GTEST_SKIP() << "systemd-analyze cannot work here";
  const std::string path = "/m/50% \"x\" $HOME \\n.gguf";
  box_.folder.write("units/llama-server.service",
                    exported({"--provider", "llamacpp", "--form", "systemd", "--model-file", path}));
  verify("llama-server.service");
  box_.folder.write("units/vllm.service",
                    exported({"--provider", "vllm", "--form", "systemd", "--model-file", "me/model"}));
  verify("vllm.service");
  box_.folder.write("units/ollama.service", "[Service]\nExecStart=/usr/bin/env true\n");
  box_.folder.write("units/ollama.service.d/docmind.conf",
                    exported({"--provider", "ollama", "--form", "systemd", "--set", "OLLAMA_ORIGINS=http://a b %h"}));
  verify("ollama.service");
}

TEST_F(ConfigExport, Case6AnInfeasiblePlanNamesNumbersAndThreeOthers) {
  plan("tight.json", {"--context", "131072", "--vram", "12GiB", "--weights", "Q4_K_M"}, 5);
  const Result<json::value> tight = parse_json(box_.folder.read("tight.json"), 32, 1 << 20);
  ASSERT_TRUE(tight.ok());
  EXPECT_FALSE(tight->at("asked").at("fits").as_bool());
  EXPECT_EQ(list(*tight, "alternatives").size(), 3U);
  for (const json::value& other : list(*tight, "alternatives")) EXPECT_TRUE(other.at("fits").as_bool());
  const ProcessResult refused = export_plan({"--provider", "llamacpp"}, "tight.json");
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "");
  EXPECT_TRUE(contains(refused.err, "GiB are missing beyond the 11.4 GiB")) << refused.err;
  const std::string forced = exported({"--provider", "llamacpp", "--force"}, "tight.json");
  EXPECT_TRUE(contains(forced, "# WARNING: this plan does not fit")) << forced;
}

TEST_F(ConfigExport, Case7ACardOfEightGigabytesIsOne) {
  const json::value plan = box_.json_of({"plan", "--model", "qwen3-4b", "--context", "8192", "--gpu", "RTX 4060",
                                         "--weights", "Q4_K_M", "--kv", "int8", "--json"});
  EXPECT_EQ(number(plan.at("asked").at("device"), "memory_bytes"), int64_t{8} << 30);
}

TEST_F(ConfigExport, Case10KeysAndValuesAreWhatLlamaServerSays) {
  const Result<json::value> plan = parse_json(box_.folder.read("plan.json"), 32, 1 << 20);
  ASSERT_TRUE(plan.ok());
  for (const json::value& part : list(plan->at("asked"), "parts")) {
    if (text(part, "name") != "kv") continue;
    const double mib = static_cast<double>(number(part, "bytes")) / (1 << 20);
    EXPECT_NEAR(mib, 2720.0, 0.03 * 2720.0);
  }
}

TEST_F(ConfigExport, RefusesInSentencesAndWritesNothing) {
  const auto refused = [&](std::vector<std::string> flags, int code = 2) {
    const ProcessResult result = export_plan(std::move(flags));
    EXPECT_EQ(result.code, code) << result.out;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_TRUE(contains(refused({"--provider", "olama"}), "'ollama'"));
  EXPECT_TRUE(contains(refused({"--provider", "ollama", "--kv", "q4_K_M"}), "format of weights"));
  EXPECT_TRUE(contains(refused({"--provider", "ollama", "--set", "OLLAMA_NUM_THREADS=8"}), "--threads"));
  EXPECT_TRUE(contains(refused({"--provider", "native"}), "llamacpp"));
  EXPECT_TRUE(contains(refused({"--form", "json"}), "shell"));
  EXPECT_EQ(box_.run({"config", "export"}).code, 2) << "a plan is needed";
  EXPECT_EQ(box_.run({"config", "export", "--from-plan", "none.json"}).code, 1);
  box_.folder.write("no.json", "{\"asked\": 1}");
  const ProcessResult malformed = box_.run({"config", "export", "--from-plan", "no.json"});
  EXPECT_EQ(malformed.code, 1);
  EXPECT_TRUE(contains(malformed.err, "asked")) << malformed.err;
}

TEST_F(ConfigExport, WritesToAFileAndTellsWarnings) {
  const ProcessResult result = export_plan({"--provider", "llamacpp", "--output", "out.txt"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(contains(result.err, "warning: replace '/path/to/")) << result.err;
  EXPECT_TRUE(contains(box_.folder.read("out.txt"), "exec llama-server"));
}

TEST_F(ConfigExport, PlainConfigIsAsItWas) {
  EXPECT_TRUE(contains(box_.run({"config"}).out, "# default"));
  EXPECT_TRUE(box_.json_of({"config", "--json"}).is_object());
}

}  // namespace
}  // namespace docmind::test
