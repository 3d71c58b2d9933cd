// Globs against a naive recursive matcher and against fnmatch(3), on short random patterns.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/glob.h"

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace docmind::ingest {
namespace {

// The definition, word by word: tries every way. For tied patterns (they contain '/') of ASCII.
bool naive(std::string_view pattern, std::string_view path, bool name_start, bool dots) {
  if (pattern.empty()) return path.empty();
  const bool hidden = name_start && path.starts_with('.') && !dots;
  const bool wild = !path.empty() && !hidden;
  const bool in_name = wild && path[0] != '/';
  const auto eat = [&](std::string_view rest) {
    return naive(rest, path.substr(1), path[0] == '/', dots);
  };
  if (pattern.starts_with("**")) {
    // The generator never makes three stars. A name that is "**" stands for folders.
    if (pattern.starts_with("**/") && name_start) {
      if (naive(pattern.substr(3), path, true, dots)) return true;
      const size_t slash = path.find('/');
      if (!in_name || slash == std::string_view::npos) return false;
      return naive(pattern, path.substr(slash + 1), true, dots);
    }
    if (hidden) return false;
    return naive(pattern.substr(2), path, name_start, dots) || (wild && eat(pattern));
  }
  switch (pattern[0]) {
    case '*':
      if (hidden) return false;
      return naive(pattern.substr(1), path, name_start, dots) || (in_name && eat(pattern));
    case '?': return in_name && eat(pattern.substr(1));
    case '[': {
      const bool negated = pattern[1] == '!';
      const std::string_view set = pattern.substr(negated ? 2 : 1, 2);  // always two characters
      const bool listed = in_name && set.find(path[0]) != std::string_view::npos;
      return in_name && listed != negated && eat(pattern.substr(negated ? 5 : 4));
    }
    default: return !path.empty() && path[0] == pattern[0] && eat(pattern.substr(1));
  }
}

std::string from_parts(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.starts_with('*') && text.ends_with('*')) continue;
    if (part == "/" && (text.empty() || text.ends_with('/'))) continue;
    text += part;
  }
  while (text.ends_with('/')) text.pop_back();
  return text;
}

rc::Gen<std::string> pattern_of(std::vector<std::string> parts) {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(
                          rc::gen::elementOf(std::move(parts))),
                      from_parts);
}

// A "**" that stands for folders is one at the start of a pattern's name, which is not always where
// a name of the path starts; the naive matcher cannot tell these apart, so "x**/" is left out.
bool ambiguous(const std::string& pattern) {
  for (size_t at = pattern.find("**/"); at != std::string::npos; at = pattern.find("**/", at + 1)) {
    if (at > 0 && pattern[at - 1] != '/') return true;
  }
  return false;
}

// Every relative path of up to six of these characters: random pairs would rarely match.
std::vector<std::string> all_paths(std::string_view alphabet) {
  std::vector<std::string> paths{""};
  for (size_t at = 0; at < paths.size() && paths[at].size() < 6; ++at) {
    for (const char c : alphabet) {
      if (c == '/' && (paths[at].empty() || paths[at].ends_with('/'))) continue;
      paths.push_back(paths[at] + c);
    }
  }
  std::erase_if(paths, [](const std::string& path) { return path.empty() || path.back() == '/'; });
  return paths;
}

TEST(GlobProperty, AgreesWithTheNaiveMatcher) {
  const std::vector<std::string> paths = all_paths("ab./");
  EXPECT_TRUE(rc::check("same answer as trying every way", [&] {
    const std::string pattern =
        *pattern_of({"a", "b", ".", "/", "*", "**", "?", "[ab]", "[!ab]", "/", "**"});
    const bool dots = *rc::gen::arbitrary<bool>();
    RC_PRE(!pattern.empty() && !ambiguous(pattern));
    Result<Glob> glob = Glob::parse("/" + pattern, dots ? Dots::kMatched : Dots::kOnlyNamed);
    RC_ASSERT(glob.ok());
    for (const std::string& path : paths) {
      if (glob->matches(path) != naive(pattern, path, true, dots)) {
        RC_FAIL("'" + pattern + "' on '" + path + "'");
      }
    }
  }));
}

TEST(GlobProperty, AgreesWithFnmatch) {
  const std::vector<std::string> paths = all_paths("ab.*/");
  EXPECT_TRUE(rc::check("same answer as the C library without '**'", [&] {
    const std::string pattern =
        *pattern_of({"a", "b", ".", "/", "*", "?", "[ab]", "[!b]", "[a-b]", "\\*"});
    const bool dots = *rc::gen::arbitrary<bool>();
    RC_PRE(!pattern.empty());
    Result<Glob> glob = Glob::parse("/" + pattern, dots ? Dots::kMatched : Dots::kOnlyNamed);
    RC_ASSERT(glob.ok());
    const int flags = FNM_PATHNAME | (dots ? 0 : FNM_PERIOD);
    for (const std::string& path : paths) {
      if (glob->matches(path) != (::fnmatch(pattern.c_str(), path.c_str(), flags) == 0)) {
        RC_FAIL("'" + pattern + "' on '" + path + "'");
      }
    }
  }));
}

TEST(GlobProperty, AMatchIsNeverBelowAFolderThatIsLeftOut) {
  const std::vector<std::string> paths = all_paths("ab./");
  EXPECT_TRUE(rc::check("may_match_below holds for every folder on the way to a match", [&] {
    const std::string pattern = *pattern_of({"a", "b", "/", "*", "**", "?", "/", "."});
    RC_PRE(!pattern.empty());
    Result<Glob> glob = Glob::parse(pattern, Dots::kOnlyNamed);
    RC_ASSERT(glob.ok());
    for (const std::string& path : paths) {
      const size_t slash = path.rfind('/');
      if (slash == std::string::npos || !glob->matches(path)) continue;
      RC_ASSERT(glob->may_match_below(path.substr(0, slash)));
      RC_ASSERT(glob->may_match_below(path.substr(0, path.find('/'))));
    }
  }));
}

TEST(GlobProperty, NoBytesBreakTheParser) {
  EXPECT_TRUE(rc::check("parse and match any bytes", [](const std::string& pattern,
                                                        const std::string& path) {
    Result<Glob> glob = Glob::parse(pattern, Dots::kMatched);
    if (glob.ok()) {
      (void)glob->matches(path);
    } else {
      RC_ASSERT(glob.error().code == ErrorCode::kInvalidArgument);
    }
  }));
}

}  // namespace
}  // namespace docmind::ingest
