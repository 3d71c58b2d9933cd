// Where settings come from, and what the command line refuses.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/config.h"
#include "support/docmind.h"

namespace docmind::test {
namespace {

// The line of `docmind config` that sets `key`.
std::string line_of(const ProcessResult& result, const std::string& key) {
  for (std::string& line : lines_of(result.out)) {
    if (line.starts_with(key + " = ")) return std::move(line);
  }
  ADD_FAILURE() << "no '" << key << "' in\n" << result.out << result.err;
  return {};
}

TEST(Settings, SaysWhereEachValueCameFrom) {
  Sandbox box;
  const std::string file = box.folder.write("home/.config/docmind/config.toml",
                                            "tenant = \"file\"\n[ask]\ntop_k = 3\nmax_sentences = 2\n"
                                            "[cache]\nmemory_mib = 7\n");
  box.env["DOCMIND_ASK_MAX_SENTENCES"] = "5";
  box.env["DOCMIND_CACHE_MEMORY_MIB"] = "8";
  const ProcessResult result = box.run({"config", "--color", "never"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(line_of(result, "lock_wait_ms"), "10000")) << result.out;
  EXPECT_TRUE(contains(line_of(result, "lock_wait_ms"), "# default"));
  EXPECT_TRUE(contains(line_of(result, "tenant"), "\"file\""));
  EXPECT_TRUE(contains(line_of(result, "tenant"), "# file " + file + ":1"));
  EXPECT_TRUE(contains(line_of(result, "max_sentences"), "5 "));
  EXPECT_TRUE(contains(line_of(result, "max_sentences"), "# environment DOCMIND_ASK_MAX_SENTENCES"));
  EXPECT_TRUE(contains(line_of(result, "memory_mib"), "8 "));
  EXPECT_TRUE(contains(line_of(result, "color"), "# flag --color"));
  const json::value json = box.json_of({"config", "--json"});
  EXPECT_TRUE(contains(json::serialize(json), "DOCMIND_ASK_MAX_SENTENCES"));
}

TEST(Settings, PrintsAFileThatItReadsBack) {
  Sandbox box;
  box.folder.write("odd.toml", "[index]\ninclude = [\"*.md\", \"a \\\"b\\\".txt\"]\n"
                               "[log]\nlevel = \"off\"\n");
  const ProcessResult first = box.run({"--config", "odd.toml", "config"});
  EXPECT_EQ(first.code, 0) << first.err;
  box.folder.write("again.toml", first.out);
  const ProcessResult second = box.run({"config", "--config", "again.toml"});
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_TRUE(contains(line_of(second, "include"), line_of(first, "include").substr(0, 30)));
  EXPECT_TRUE(contains(line_of(second, "level"), "\"off\""));
}

TEST(Settings, AFlagBeatsTheEnvironmentAndThatTheFile) {
  Sandbox box;
  for (int i = 0; i < 6; ++i) box.doc(std::to_string(i) + ".md", "# Page\n\nA zebra page.\n");
  box.index();
  const auto n_results = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"search", "--json", "zebra"});
    return list(box.json_of(std::move(flags)), "results").size();
  };
  box.env["DOCMIND_CONFIG"] = box.folder.write("c.toml", "[search]\ntop_k = 2\n");
  EXPECT_EQ(n_results({}), 2U);
  box.env["DOCMIND_SEARCH_TOP_K"] = "4";
  EXPECT_EQ(n_results({}), 4U);
  EXPECT_EQ(n_results({"-k", "5"}), 5U);
  EXPECT_EQ(n_results({"-k", "5", "--top-k", "1"}), 1U) << "the last one counts";
}

TEST(Settings, UnknownKeysNameTheNearest) {
  Sandbox box;
  const auto expect_refused = [&](const ProcessResult& result, const std::string& nearest) {
    EXPECT_EQ(result.code, 2);
    EXPECT_TRUE(contains(result.err, "did you mean '" + nearest + "'?")) << result.err;
    EXPECT_EQ(result.out, "");
  };
  const std::string file = box.folder.write("c.toml", "[search]\n\ntopk = 3\n");
  const ProcessResult in_file = box.run({"--config", file, "config"});
  expect_refused(in_file, "search.top_k");
  EXPECT_TRUE(contains(in_file.err, "c.toml line 3")) << in_file.err;
  box.env["DOCMIND_ASK_TOPK"] = "3";
  expect_refused(box.run({"config"}), "DOCMIND_ASK_TOP_K");
}

TEST(Settings, RefusesBadValuesAndFiles) {
  Sandbox box;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"[ask]\ntop_k = 0\n", "1 to 100"},
      {"[ask]\ntop_k = \"six\"\n", "six"},
      {"[cache]\nenabled = 3\n", "cache.enabled"},
      {"[log]\nlevel = \"loud\"\n", "trace|debug|info|warn|error|off"},
      {"[ask\n", "line 1"},
  };
  for (const auto& [content, words] : files) {
    box.folder.write("c.toml", content);
    const ProcessResult result = box.run({"config", "--config", "c.toml"});
    EXPECT_EQ(result.code, 2) << content;
    EXPECT_TRUE(contains(result.err, words)) << result.err;
    EXPECT_TRUE(contains(result.err, "c.toml")) << result.err;
  }
  const ProcessResult absent = box.run({"config", "--config", "absent.toml"});
  EXPECT_EQ(absent.code, 2);
  EXPECT_TRUE(contains(absent.err, "absent.toml")) << absent.err;
}

TEST(Settings, WrongFlagsAreUsageErrors) {
  Sandbox box;
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"--nonsense"}, {"nonsense"}, {"ask", "--nonsense"}, {"search", "x", "-k"},
      {"search", "x", "-k", "0"}, {"search", "x", "-k", "many"}, {"ask", "x", "--min-relevance", "2"},
      {"--color", "pink", "config"}, {"remove"}, {"completion"}, {"completion", "powershell"},
      {"cache", "empty"}, {"status", "extra"}, {"index", "--threads", "-1"}, {"index", ""}};
  for (const auto& args : wrong) {
    const ProcessResult result = box.run(args);
    EXPECT_EQ(result.code, 2) << (args.empty() ? "no words" : args.back());
    EXPECT_FALSE(result.err.empty()) << (args.empty() ? "no words" : args.back());
    EXPECT_EQ(result.out, "") << (args.empty() ? "no words" : args.back());
  }
  EXPECT_TRUE(contains(box.run({"serach", "x"}).err, "did you mean 'search'?"));
  EXPECT_TRUE(contains(box.run({"search", "x", "--topk", "3"}).err, "did you mean '--top-k'?"));
  EXPECT_TRUE(contains(box.run({"--stor=x", "status"}).err, "did you mean '--store'?"));
}

}  // namespace
}  // namespace docmind::test
