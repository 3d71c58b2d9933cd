// The command line's parts: flags that set fields, hints, exit codes, the words of the manual.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/manual.h"
#include "cli/usage_error.h"

namespace docmind::cli {
namespace {

// An app with one command that has flags and words, as the real ones have.
struct SmallApp {
  SmallApp() {
    app.require_subcommand(1);
    app.fallthrough();
    CLI::App* find = app.add_subcommand("find", "Find things");
    find->add_option("WORDS", words);
    find->add_flag("--json", json);
    fields.add(*find, "-k,--top-k", "search.top_k");
    fields.add(*find, "--include", "index.include");
    fields.add_switch(*find, "--no-cache", "cache.enabled", "false", "No cache");
    app.add_subcommand("forget", "Forget things");
    fields.add(app, "--store", "store.path");
  }
  // What parsing threw, "" for nothing; `line` is cut at spaces.
  std::string parse(const std::string& line) {
    try {
      app.parse(line);
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return {};
  }
  CLI::App app{"", "small"};
  FieldFlags fields;
  std::vector<std::string> words;
  bool json = false;
};

std::string as_text(const std::vector<FlagValue>& values) {
  std::string text;
  for (const FlagValue& value : values) {
    text += value.field + "=" + value.value + "(" + value.flag + ") ";
  }
  return text;
}

TEST(FieldFlags, TakeOneValueAndLeaveTheWordsAlone) {
  SmallApp small;
  EXPECT_EQ(small.parse("find -k 3 notice period --json"), "");
  EXPECT_EQ(as_text(small.fields.values()), "search.top_k=3(--top-k) ");
  EXPECT_EQ(small.words, (std::vector<std::string>{"notice", "period"}));
  EXPECT_TRUE(small.json);
}

TEST(FieldFlags, TheLastScalarCountsAndListsJoin) {
  SmallApp small;
  EXPECT_EQ(small.parse("--store a find --top-k=3 -k 4 x --include *.md --include *.txt --store b"), "");
  const std::string text = as_text(small.fields.values());
  EXPECT_NE(text.find("search.top_k=4(--top-k) "), std::string::npos) << text;
  EXPECT_NE(text.find("index.include=*.md,*.txt(--include) "), std::string::npos) << text;
  EXPECT_NE(text.find("store.path=b(--store) "), std::string::npos) << text;
  EXPECT_EQ(small.words, std::vector<std::string>{"x"});
}

TEST(FieldFlags, SwitchesSetTheirValue) {
  SmallApp small;
  EXPECT_EQ(small.parse("find --no-cache x"), "");
  EXPECT_EQ(as_text(small.fields.values()), "cache.enabled=false(--no-cache) ");
}

TEST(FieldFlags, HelpComesFromTheTable) {
  SmallApp small;
  const std::string help = small.app.get_subcommand("find")->help();
  EXPECT_NE(help.find("-k,--top-k N"), std::string::npos) << help;
  EXPECT_NE(help.find(std::string(find_field("search.top_k")->help)), std::string::npos) << help;
}

TEST(UsageHint, NamesWhatIsNear) {
  const std::pair<const char*, const char*> cases[] = {
      {"fnid x", "did you mean 'find'?"},
      {"forgot", "did you mean 'forget'?"},
      {"find x --topk 3", "did you mean '--top-k'?"},
      {"find x --jsn", "did you mean '--json'?"},
      {"find --stor=y x", "did you mean '--store'?"},
      {"wholly-unknown", ""},
      {"find x --zzzzzz", ""},
  };
  for (const auto& [line, hint] : cases) {
    SmallApp small;
    EXPECT_NE(small.parse(line), "") << line;
    EXPECT_EQ(usage_hint(small.app), hint) << line;
  }
  SmallApp nothing;
  EXPECT_NE(nothing.parse(""), "");
  EXPECT_EQ(usage_hint(nothing.app), "");
}

TEST(ExitCodes, FollowTheKindOfFailure) {
  EXPECT_EQ(exit_code_of(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(exit_code_of(ErrorCode::kBusy), 4);
  EXPECT_EQ(exit_code_of(ErrorCode::kCancelled), 130);
  for (const ErrorCode code :
       {ErrorCode::kNotFound, ErrorCode::kPermission, ErrorCode::kMalformed, ErrorCode::kUnsupported,
        ErrorCode::kLimit, ErrorCode::kMismatch, ErrorCode::kIo, ErrorCode::kInternal}) {
    EXPECT_EQ(exit_code_of(code), 1) << error_code_name(code);
  }
}

TEST(Manual, NamesEveryExitCodeKeyAndExampleCommand) {
  const std::string footer = manual_footer();
  for (const int code : {kExitOk, kExitFailed, kExitUsage, kExitSkipped, kExitBusy, kExitInterrupted}) {
    EXPECT_NE(footer.find(" " + std::to_string(code) + " "), std::string::npos) << code;
  }
  for (const FieldInfo& field : config_fields()) {
    EXPECT_NE(footer.find(std::string(field.name)), std::string::npos) << field.name;
  }
  CLI::App app;
  const auto commands = make_commands(app);
  FieldFlags fields;
  for (const auto& command : commands) command->declare(app, fields);
  size_t n_examples = 0;
  const std::string start = "\n  docmind ";
  for (size_t at = 0; (at = footer.find(start, at)) != std::string::npos; ++n_examples) {
    at += start.size();
    const std::string name = footer.substr(at, footer.find(' ', at) - at);
    EXPECT_NO_THROW(static_cast<void>(app.get_subcommand(name))) << name;
  }
  EXPECT_GE(n_examples, 5U);
  EXPECT_TRUE(version_line().starts_with("docmind "));
}

}  // namespace
}  // namespace docmind::cli
