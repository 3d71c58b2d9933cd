// load_config: which source wins, where a value came from, and errors that name the mistake.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/config.h"
#include "support/temp_folder.h"

namespace docmind {
namespace {

class ConfigLoadTest : public testing::Test {
 protected:
  // Writes the file that DOCMIND_CONFIG names.
  void file(std::string_view toml) {
    sources.env["DOCMIND_CONFIG"] = folder.write("named.toml", toml);
  }
  Effective load() const {
    Result<Effective> effective = load_config(sources);
    if (effective.ok()) return *std::move(effective);
    ADD_FAILURE() << effective.error().message;
    return {};
  }
  std::string refusal() const {
    const Result<Effective> effective = load_config(sources);
    EXPECT_FALSE(effective.ok());
    if (effective.ok()) return {};
    EXPECT_EQ(effective.error().code, ErrorCode::kInvalidArgument);
    return effective.error().message;
  }
  std::string refusal_of(std::string_view toml) {
    file(toml);
    return refusal();
  }
  static std::string origin(const Effective& effective, std::string_view field) {
    const auto known = effective.origins.find(field);
    return describe(known == effective.origins.end() ? Origin{} : known->second);
  }

  test::TempFolder folder;
  ConfigSources sources{.file_path = std::nullopt, .env = {{"HOME", folder.path()}}, .flags = {}};
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ConfigLoadTest, WithoutSourcesEverythingIsDefault) {
  const Effective effective = load();
  EXPECT_TRUE(effective.origins.empty());
  EXPECT_EQ(effective.file_path, "");
  EXPECT_EQ(effective.config.store.path, folder.path(".local/share/docmind/default"));
  EXPECT_EQ(effective.config.models.path, folder.path(".local/share/docmind/models"));
  EXPECT_EQ(effective.config.models.catalogue, folder.path(".config/docmind/models.toml"));
  EXPECT_EQ(effective.config.search.top_k, Config().search.top_k);
  EXPECT_EQ(origin(effective, "search.top_k"), "default");
}

TEST_F(ConfigLoadTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  file("tenant = \"file\"\n[search]\ntop_k = 11\nvector_depth = 21\nlexical_depth = 31\n");
  sources.env["DOCMIND_SEARCH_TOP_K"] = "12";
  sources.env["DOCMIND_SEARCH_VECTOR_DEPTH"] = "22";
  sources.flags = {{"search.top_k", "13", "--top-k"}};
  const Effective effective = load();
  EXPECT_EQ(effective.config.search.top_k, 13);
  EXPECT_EQ(effective.config.search.vector_depth, 22);
  EXPECT_EQ(effective.config.search.lexical_depth, 31);
  EXPECT_EQ(effective.config.tenant, "file");
  EXPECT_EQ(origin(effective, "search.top_k"), "flag --top-k");
  EXPECT_EQ(origin(effective, "search.vector_depth"), "environment DOCMIND_SEARCH_VECTOR_DEPTH");
  EXPECT_EQ(origin(effective, "search.lexical_depth"), "file " + folder.path("named.toml") + ":5");
  EXPECT_EQ(origin(effective, "tenant"), "file " + folder.path("named.toml") + ":1");
  EXPECT_EQ(origin(effective, "ask.top_k"), "default");
  EXPECT_EQ(effective.file_path, folder.path("named.toml"));
}

TEST_F(ConfigLoadTest, TheFileOfTheFlagComesBeforeTheVariableAndTheXdgFolder) {
  folder.write(".config/docmind/config.toml", "tenant = \"xdg\"");
  EXPECT_EQ(load().config.tenant, "xdg");
  file("tenant = \"variable\"");
  EXPECT_EQ(load().config.tenant, "variable");
  sources.file_path = folder.write("flag.toml", "tenant = \"flag\"");
  EXPECT_EQ(load().config.tenant, "flag");
  sources.file_path.reset();
  sources.env["DOCMIND_CONFIG"] = "";
  EXPECT_EQ(load().config.tenant, "xdg");
}

TEST_F(ConfigLoadTest, AFileThatWasNamedMustExist) {
  sources.env["DOCMIND_CONFIG"] = folder.path("missing.toml");
  const auto missing = load_config(sources);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_HAS(missing.error().message, folder.path("missing.toml"));
}

// Whoever keeps settings in a repository links them into place.
TEST_F(ConfigLoadTest, TheFileMayBeALink) {
  folder.write("dotfiles/docmind.toml", "tenant = \"linked\"");
  folder.symlink(folder.path("dotfiles/docmind.toml"), ".config/docmind/config.toml");
  const Effective effective = load();
  EXPECT_EQ(effective.config.tenant, "linked");
  EXPECT_EQ(effective.file_path, folder.path(".config/docmind/config.toml"));
}

TEST_F(ConfigLoadTest, ListsComeFromEverySource) {
  file("[index]\ninclude = [\"*.md\", \"a b/*.txt\"]\nexclude = \"x/, *.bak\"");
  const Effective effective = load();
  EXPECT_EQ(effective.config.index.include, (std::vector<std::string>{"*.md", "a b/*.txt"}));
  EXPECT_EQ(effective.config.index.exclude, (std::vector<std::string>{"x/", "*.bak"}));
  sources.env["DOCMIND_INDEX_INCLUDE"] = "*.pdf,*.html";
  EXPECT_EQ(load().config.index.include, (std::vector<std::string>{"*.pdf", "*.html"}));
  sources.env["DOCMIND_INDEX_INCLUDE"] = "";
  EXPECT_TRUE(load().config.index.include.empty());
  EXPECT_HAS(refusal_of("[index]\ninclude = [\"a,b\"]"), "without commas");
  EXPECT_HAS(refusal_of("[index]\ninclude = [1]"), "index.include");
}

TEST_F(ConfigLoadTest, TheShortNameOfTheStoreWorks) {
  sources.env["DOCMIND_STORE"] = "/data/store";
  const Effective effective = load();
  EXPECT_EQ(effective.config.store.path, "/data/store");
  EXPECT_EQ(origin(effective, "store.path"), "environment DOCMIND_STORE");
}

TEST_F(ConfigLoadTest, AnUnknownKeyIsNamedWithLineAndNearest) {
  const std::string message = refusal_of("[search]\n\ntop_kk = 3\n");
  EXPECT_HAS(message, "'search.top_kk'");
  EXPECT_HAS(message, folder.path("named.toml") + " line 3");
  EXPECT_HAS(message, "did you mean 'search.top_k'?");
  EXPECT_HAS(refusal_of("tennant = \"x\""), "did you mean 'tenant'?");
  EXPECT_HAS(refusal_of("something_else_entirely = 1"), "docmind config");
  EXPECT_HAS(refusal_of("[search.deep]\ntop_k = 1"), "'search.deep'");
}

TEST_F(ConfigLoadTest, AnUnknownSectionIsNamedEvenWhenItIsEmpty) {
  EXPECT_HAS(refusal_of("[serach]\ntop_k = 3\n"), "did you mean 'search");
  EXPECT_HAS(refusal_of("\n[serach]\n"), "did you mean 'search'");
  EXPECT_HAS(refusal_of("\n[serach]\n"), "line 2");
  EXPECT_HAS(refusal_of("[tenant]\n"), "'tenant'");
}

TEST_F(ConfigLoadTest, AnUnknownVariableIsNamedWithTheNearest) {
  sources.env["DOCMIND_SEARCH_TOPK"] = "3";
  const std::string message = refusal();
  EXPECT_HAS(message, "'DOCMIND_SEARCH_TOPK'");
  EXPECT_HAS(message, "did you mean 'DOCMIND_SEARCH_TOP_K'?");
  sources.env = {{"HOME", "/h"}, {"DOCMINDLESS", "not ours"}, {"SEARCH_TOP_K", "x"}};
  EXPECT_TRUE(load_config(sources).ok());
}

TEST_F(ConfigLoadTest, AWrongValueIsNamedWithItsSource) {
  const std::string ranged = refusal_of("[search]\ntop_k = 0\n");
  EXPECT_HAS(ranged, "named.toml:2");
  EXPECT_HAS(ranged, "search.top_k cannot be '0'");
  EXPECT_HAS(refusal_of("[search]\ntop_k = \"many\""), "a whole number");
  EXPECT_HAS(refusal_of("[search]\ntop_k = 2.5"), "a whole number");
  EXPECT_HAS(refusal_of("[search]\ntop_k = true"), "a whole number");
  EXPECT_HAS(refusal_of("[search]\ntop_k = 2024-01-01"), "search.top_k");
  EXPECT_HAS(refusal_of("[log]\nlevel = \"loud\""), "trace|debug|info|warn|error|off");
  EXPECT_HAS(refusal_of("[cache]\nenabled = 1"), "true or false");
  EXPECT_HAS(refusal_of("tenant = [\"a\", \"b\"]"), "'tenant'");
  EXPECT_HAS(refusal_of("[search]\ntop_k = [5]"), "'search.top_k'");
  EXPECT_HAS(refusal_of("index = 3"), "'index'");
  file("");
  sources.env["DOCMIND_ASK_MIN_RELEVANCE"] = "2";
  EXPECT_HAS(refusal(), "environment DOCMIND_ASK_MIN_RELEVANCE");
  sources.env.erase("DOCMIND_ASK_MIN_RELEVANCE");
  sources.flags = {{"output.color", "pink", "--color"}};
  EXPECT_HAS(refusal(), "flag --color");
}

TEST_F(ConfigLoadTest, MalformedTomlIsNamedWithItsLine) {
  const std::string message = refusal_of("tenant = \"a\"\n\n[search\ntop_k = 1\n");
  EXPECT_HAS(message, folder.path("named.toml") + " line 3");
  EXPECT_HAS(refusal_of("a = 1\na = 2\n"), "line 2");
  EXPECT_HAS(refusal_of("tenant = \"\xff\"\n"), "line 1");
  EXPECT_HAS(refusal_of(std::string(5'000, '[')), "line 1");
}

TEST_F(ConfigLoadTest, WithoutAHomeTheStoreHasNoPathYet) {
  sources.env = {};
  EXPECT_EQ(load().config.store.path, "");
  EXPECT_EQ(load().config.models.path, "");
  EXPECT_EQ(load().config.models.catalogue, "");
}

TEST_F(ConfigLoadTest, PrintsEveryFieldWithItsOrigin) {
  file("[search]\ntop_k = 11\n");
  const Effective effective = load();
  const std::string toml = config_to_toml(effective, true);
  EXPECT_HAS(toml, "top_k = 11");
  EXPECT_HAS(toml, "# file " + folder.path("named.toml") + ":2");
  EXPECT_HAS(toml, "# default");
  EXPECT_EQ(config_to_toml(effective, false).find('#'), std::string::npos);
  const json::value object = config_to_json(effective);
  EXPECT_EQ(object.at("search.top_k").at("value").as_string(), "11");
  EXPECT_EQ(object.at("search.top_k").at("origin").as_string(),
            "file " + folder.path("named.toml") + ":2");
  EXPECT_EQ(object.as_object().size(), config_fields().size());
}

}  // namespace
}  // namespace docmind
