// Completion scripts: all that is visible, nothing that is hidden, no character that breaks a script.
// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <gtest/gtest.h>

#include "support/docmind.h"

namespace docmind::cli {
namespace {

using test::contains;

struct SmallApp {
  SmallApp() {
    app.add_flag("--version");
    CLI::App* index = app.add_subcommand("index", "Read what's there: all `of` it, $HOME too");
    index->add_flag("-w,--watch");
    index->add_option("PATH");
    index->add_option("--secret")->group("");
    CLI::App* cache = app.add_subcommand("cache", "The cache");
    cache->add_subcommand("clear", "Empty it");
    app.add_subcommand("hidden", "")->group("");
  }
  CLI::App app{"", "docmind"};
};

TEST(Completion, OffersWhatIsVisible) {
  const SmallApp small;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Result<std::string> script = completion_script(small.app, shell);
    ASSERT_TRUE(script.ok()) << shell;
    const bool fish = std::string(shell) == "fish";
    for (const char* word : {"index", "cache", "clear", fish ? "-l watch" : "--watch",
                             fish ? "-s w" : "-w", fish ? "-l version" : "--version"}) {
      EXPECT_TRUE(contains(*script, word)) << shell << ": " << word;
    }
    for (const char* word : {"hidden", "secret", "PATH"}) {
      EXPECT_FALSE(contains(*script, word)) << shell << ": " << word;
    }
  }
}

TEST(Completion, DescriptionsCannotBreakTheQuotes) {
  const SmallApp small;
  for (const char* shell : {"zsh", "fish"}) {
    const std::string script = completion_script(small.app, shell).value();
    EXPECT_TRUE(contains(script, "Read what s there'")) << script;
    EXPECT_FALSE(contains(script, "$HOME")) << script;
  }
}

TEST(Completion, KnowsThreeShells) {
  const SmallApp small;
  const Result<std::string> script = completion_script(small.app, "powershell");
  ASSERT_FALSE(script.ok());
  EXPECT_EQ(script.error().code, ErrorCode::kInvalidArgument);
  for (const char* word : {"powershell", "bash", "zsh", "fish"}) {
    EXPECT_TRUE(contains(script.error().message, word)) << script.error().message;
  }
}

TEST(Completion, ListsFlagsInBothSpellings) {
  const SmallApp small;
  const std::vector<std::string> flags = flags_of(*small.app.get_subcommand("index"));
  EXPECT_EQ(flags, (std::vector<std::string>{"--help", "-h", "--watch", "-w"}));
  EXPECT_EQ(visible_commands(small.app).size(), 2U);
}

}  // namespace
}  // namespace docmind::cli
