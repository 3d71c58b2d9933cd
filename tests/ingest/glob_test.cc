// Globs: wildcards, folders, hidden names, mistakes, include and exclude together.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/glob.h"

#include <gtest/gtest.h>

#include "ingest/scanner.h"

namespace docmind::ingest {
namespace {

bool match(std::string_view pattern, std::string_view path, Dots dots = Dots::kMatched) {
  Result<Glob> glob = Glob::parse(pattern, dots);
  EXPECT_TRUE(glob.ok()) << pattern;
  return glob.ok() && glob->matches(path);
}

TEST(Glob, StarStaysInsideAName) {
  EXPECT_TRUE(match("docs/*.md", "docs/a.md"));
  EXPECT_TRUE(match("docs/*.md", "docs/.md"));
  EXPECT_FALSE(match("docs/*.md", "docs/sub/a.md"));
  EXPECT_FALSE(match("docs/*.md", "other/docs/a.md"));
  EXPECT_FALSE(match("docs/*", "docs"));
}

TEST(Glob, PatternWithoutSlashMatchesTheNameInAnyFolder) {
  EXPECT_TRUE(match("*.md", "a.md"));
  EXPECT_TRUE(match("*.md", "x/y/a.md"));
  EXPECT_FALSE(match("*.md", "x.md/y"));
  EXPECT_FALSE(match("a.md", "xa.md"));
}

TEST(Glob, LeadingSlashOrDotSlashTiesToTheRoot) {
  EXPECT_TRUE(match("/a.md", "a.md"));
  EXPECT_FALSE(match("/a.md", "x/a.md"));
  EXPECT_TRUE(match("./docs/a.md", "docs/a.md"));
}

TEST(Glob, TwoStarsCrossFolders) {
  EXPECT_TRUE(match("a/**/b.md", "a/b.md"));
  EXPECT_TRUE(match("a/**/b.md", "a/x/y/b.md"));
  EXPECT_FALSE(match("a/**/b.md", "a/xb.md"));
  EXPECT_FALSE(match("a/**/b.md", "ax/b.md"));
  EXPECT_TRUE(match("**/b.md", "b.md"));
  EXPECT_TRUE(match("a/**", "a/x/y"));
  EXPECT_FALSE(match("a/**", "a"));
  EXPECT_TRUE(match("a/x**z", "a/x/y/z"));
}

TEST(Glob, QuestionMarkAndClassesTakeOneCharacterOfAnyLength) {
  EXPECT_TRUE(match("?.md", "\xC3\xA9.md"));
  EXPECT_TRUE(match("?.md", "\xFF.md"));  // a byte that is no UTF-8
  EXPECT_FALSE(match("?.md", "ab.md"));
  EXPECT_FALSE(match("a?b", "a/b"));
  EXPECT_TRUE(match("[a-c]x", "bx"));
  EXPECT_FALSE(match("[!a-c]x", "bx"));
  EXPECT_TRUE(match("[^a-c]x", "dx"));
  EXPECT_FALSE(match("/a[!b]c", "a/c"));
  EXPECT_TRUE(match("[]a]x", "]x"));
  EXPECT_TRUE(match("[a-]x", "-x"));
  EXPECT_TRUE(match("[\xC3\xA0-\xC3\xBC]x", "\xC3\xA9x"));
  EXPECT_FALSE(match("[\xC3\xA0-\xC3\xBC]x", "ex"));
}

TEST(Glob, BackslashMakesTheNextCharacterPlain) {
  EXPECT_TRUE(match("\\*.md", "*.md"));
  EXPECT_FALSE(match("\\*.md", "a.md"));
  EXPECT_TRUE(match("a[\\]]b", "a]b"));
}

TEST(Glob, AnyBytesAreFineInPaths) {
  EXPECT_TRUE(match("*.md", "line\nbreak.md"));
  EXPECT_TRUE(match("*\xFE*", "a\xFE" "b"));
  EXPECT_FALSE(match("\xFE", "\xFD"));
}

TEST(Glob, OnlyNamedDotsKeepHiddenNamesOut) {
  EXPECT_FALSE(match("*.md", ".a.md", Dots::kOnlyNamed));
  EXPECT_FALSE(match("*.md", ".md", Dots::kOnlyNamed));
  EXPECT_FALSE(match("**.md", "a/.md", Dots::kOnlyNamed));
  EXPECT_TRUE(match("**/.md", "a/.md", Dots::kOnlyNamed));
  EXPECT_FALSE(match("*.md", ".git/a.md", Dots::kOnlyNamed));
  EXPECT_FALSE(match("**", ".git/a.md", Dots::kOnlyNamed));
  EXPECT_FALSE(match("a/**", "a/b/.c/d", Dots::kOnlyNamed));
  EXPECT_FALSE(match("a/?x", "a/.x", Dots::kOnlyNamed));
  EXPECT_FALSE(match("a/[.]x", "a/.x", Dots::kOnlyNamed));
  EXPECT_TRUE(match(".a*", ".a.md", Dots::kOnlyNamed));
  EXPECT_TRUE(match(".github/**", ".github/x/a.md", Dots::kOnlyNamed));
  EXPECT_FALSE(match(".github/**", ".github/.x/a.md", Dots::kOnlyNamed));
  EXPECT_TRUE(match("a.*", "a.b", Dots::kOnlyNamed));
}

TEST(Glob, ManyStarsCostLittle) {
  std::string pattern = "/";
  for (int i = 0; i < 200; ++i) pattern += "*a";
  // Would take longer than the universe is old with plain backtracking.
  EXPECT_FALSE(match(pattern + "b", std::string(4'000, 'a')));
  EXPECT_TRUE(match(pattern, std::string(4'000, 'a')));
}

TEST(Glob, FoldersThatCannotHoldAMatchAreKnown) {
  Result<Glob> glob = Glob::parse("docs/*/x.md", Dots::kOnlyNamed);
  ASSERT_TRUE(glob.ok());
  EXPECT_TRUE(glob->may_match_below("docs"));
  EXPECT_TRUE(glob->may_match_below("docs/a"));
  EXPECT_FALSE(glob->may_match_below("docs/a/b"));
  EXPECT_FALSE(glob->may_match_below("doc"));
  EXPECT_FALSE(glob->may_match_below("docs/.a"));
}

void expect_error(const ScanOptions& options, std::string_view pattern, int position) {
  const Status status = check_globs(options);
  ASSERT_FALSE(status.ok()) << pattern;
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(status.error().message.find("'" + std::string(pattern) + "'"), std::string::npos)
      << status.error().message;
  EXPECT_NE(status.error().message.find("position " + std::to_string(position) + ":"),
            std::string::npos)
      << status.error().message;
}

TEST(CheckGlobs, NamesThePatternAndThePosition) {
  expect_error({.include = {""}, .exclude = {}}, "", 1);
  expect_error({.include = {"*.md", "a[bc"}, .exclude = {}}, "a[bc", 2);
  expect_error({.include = {}, .exclude = {"a[b/c]"}}, "a[b/c]", 2);
  expect_error({.include = {}, .exclude = {"[]"}}, "[]", 1);
  expect_error({.include = {"x[z-a]"}, .exclude = {}}, "x[z-a]", 3);
  expect_error({.include = {"x\\"}, .exclude = {}}, "x\\", 2);
  expect_error({.include = {"[[:alpha:]]"}, .exclude = {}}, "[[:alpha:]]", 2);
  expect_error({.include = {"docs/"}, .exclude = {}}, "docs/", 5);
  expect_error({.include = {}, .exclude = {"/"}}, "/", 1);
  EXPECT_FALSE(check_globs({.include = {std::string(5'000, 'a')}, .exclude = {}}).ok());
  EXPECT_TRUE(check_globs({.include = {"**/*.md", "[!x]?"}, .exclude = {"build/"}}).ok());
}

TEST(Wanted, TakesKnownExtensionsByDefault) {
  const ScanOptions options;
  EXPECT_TRUE(wanted("a.md", options));
  EXPECT_TRUE(wanted("x/y/a.pdf", options));
  EXPECT_FALSE(wanted("a.png", options));
  EXPECT_FALSE(wanted(".hidden.md", options));
  EXPECT_FALSE(wanted("x/.git/a.md", options));
}

TEST(Wanted, IncludesReplaceTheExtensionsAndExcludesWin) {
  const ScanOptions options{.include = {"*.cfg", "docs/**", ".env*"}, .exclude = {"*secret*"}};
  EXPECT_TRUE(wanted("x/a.cfg", options));
  EXPECT_TRUE(wanted("docs/a.png", options));
  EXPECT_TRUE(wanted(".env.txt", options));
  EXPECT_TRUE(wanted("x/.env", options));
  EXPECT_FALSE(wanted(".x/.env", options));
  EXPECT_FALSE(wanted("a.md", options));
  EXPECT_FALSE(wanted("docs/my-secret.txt", options));
}

TEST(Wanted, ExcludedFoldersTakeAllBelowThem) {
  const ScanOptions options{.include = {}, .exclude = {"node_modules/", "/build/", "a/*/"}};
  EXPECT_FALSE(wanted("node_modules/x.md", options));
  EXPECT_FALSE(wanted("p/node_modules/q/x.md", options));
  EXPECT_FALSE(wanted("build/x.md", options));
  EXPECT_TRUE(wanted("sub/build/x.md", options));
  EXPECT_TRUE(wanted("a/x.md", options));
  EXPECT_FALSE(wanted("a/b/x.md", options));
  EXPECT_TRUE(wanted("node_modules.md", options));
}

TEST(Wanted, NothingUnderWrongGlobs) {
  EXPECT_FALSE(wanted("a.md", {.include = {"["}, .exclude = {}}));
}

}  // namespace
}  // namespace docmind::ingest
