// What the program says about itself, and the completion scripts in their shells.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/config.h"
#include "support/docmind.h"

namespace docmind::test {
namespace {

const std::vector<std::string> kCommands = {"index",  "ask",    "search", "status",    "remove",
                                            "cache",  "models", "quantize", "plan", "bench", "doctor", "config", "completion"};

TEST(Help, NamesEveryCommandKeyAndExitCode) {
  Sandbox box;
  const ProcessResult help = box.run({"--help"});
  EXPECT_EQ(help.code, 0) << help.err;
  for (const std::string& command : kCommands) {
    EXPECT_TRUE(contains(help.out, "\n  " + command + " ")) << command;
    const ProcessResult own = box.run({command, "--help"});
    EXPECT_EQ(own.code, 0) << command;
    EXPECT_TRUE(contains(own.out, command)) << own.out;
  }
  EXPECT_FALSE(contains(help.out, "parse-worker")) << "not for people";
  for (const FieldInfo& field : config_fields()) {
    EXPECT_TRUE(contains(help.out, std::string(field.name))) << field.name;
  }
  for (const char* code : {"0 done", "1 failed", "2 wrong flags", "3 done, but", "4 another process", "5 a plan does not fit",
                           "130 interrupted"}) {
    EXPECT_TRUE(contains(help.out, code)) << code;
  }
  EXPECT_TRUE(contains(box.run({"index", "--help"}).out, "Ctrl-C ends it with exit code 0"));
}

TEST(Help, PrintsTheVersion) {
  Sandbox box;
  const ProcessResult version = box.run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(version.out.starts_with("docmind ")) << version.out;
  EXPECT_EQ(lines_of(version.out).size(), 1U) << version.out;
}

TEST(Help, NeedsNeitherHomeNorConfiguration) {
  Sandbox box;
  box.env.erase("HOME");
  box.env.erase("DOCMIND_STORE");
  for (const char* flag : {"--help", "--version"}) EXPECT_EQ(box.run({flag}).code, 0) << flag;
  EXPECT_EQ(box.run({"completion", "bash"}).code, 0);
  const ProcessResult ask = box.run({"ask", "x"});
  EXPECT_EQ(ask.code, 2);
  EXPECT_TRUE(contains(ask.err, "--store")) << ask.err;
}

bool has_shell(const Sandbox& box, const std::string& shell) {
  return box.shell("command -v " + shell).code == 0;
}

TEST(Completion, PassesTheSyntaxCheckOfEachShell) {
  Sandbox box;
  for (const std::string& shell : std::vector<std::string>{"bash", "zsh", "fish"}) {
    const ProcessResult script = box.run({"completion", shell});
    EXPECT_EQ(script.code, 0) << script.err;
    for (const std::string& command : kCommands) {
      EXPECT_TRUE(contains(script.out, command)) << shell << " lacks " << command;
    }
    EXPECT_TRUE(contains(script.out, shell == "fish" ? "-l top-k" : "--top-k")) << shell;
    EXPECT_FALSE(contains(script.out, "parse-worker")) << shell;
    box.folder.write("script", script.out);
    if (!has_shell(box, shell)) continue;
    const ProcessResult check = box.shell(shell + " -n script");
    EXPECT_EQ(check.code, 0) << shell << ": " << check.err;
  }
}

// What bash offers for the words typed so far, the last one unfinished.
std::vector<std::string> bash_offers(const Sandbox& box, const std::string& words) {
  const ProcessResult result =
      box.shell("source <(docmind completion bash)\nCOMP_WORDS=(" + words +
                ")\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_docmind\nprintf '%s\\n' \"${COMPREPLY[@]}\"");
  EXPECT_EQ(result.err, "");
  std::vector<std::string> offers = lines_of(result.out);
  std::sort(offers.begin(), offers.end());
  return offers;
}

TEST(Completion, CompletesInBash) {
  Sandbox box;
  box.doc("leaf.md", "x");
  using Words = std::vector<std::string>;
  EXPECT_EQ(bash_offers(box, "docmind s"), (Words{"search", "serve", "status"}));
  EXPECT_EQ(bash_offers(box, "docmind search --to"), Words{"--top-k"});
  EXPECT_EQ(bash_offers(box, "docmind cache c"), (Words{"calibrate", "clear"}));
  EXPECT_EQ(bash_offers(box, "docmind --store store ask --ex"), Words{"--explain"});
  EXPECT_EQ(bash_offers(box, "docmind index doc"), Words{"docs"});
  EXPECT_EQ(bash_offers(box, "docmind --vers"), Words{"--version"});
}

TEST(Completion, CompletesInFish) {
  Sandbox box;
  if (!has_shell(box, "fish")) GTEST_SKIP() << "fish is not installed";
  const ProcessResult result =
      box.shell("docmind completion fish > c.fish; fish -c 'source c.fish; complete -C \"docmind sea\"'");
  EXPECT_TRUE(result.out.starts_with("search")) << result.out << result.err;
}

}  // namespace
}  // namespace docmind::test
