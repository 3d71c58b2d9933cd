// Globs over relative paths, and the filter that include and exclude lists make together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace docmind::ingest {

// Whether wildcards match a '.' that begins a file or folder name; with kOnlyNamed the
// pattern's own name must begin with '.', so "*.md" does not match ".md".
enum class Dots : uint8_t { kMatched, kOnlyNamed };

// One parsed pattern; syntax in scanner.h. Characters are code points; a byte that is no UTF-8
// counts as one character that only itself and wildcards match. Matching costs at most
// pattern length x path length steps. May be used by several threads at once.
class Glob {
 public:
  // kInvalidArgument names the pattern and the position (1-based, in bytes) of the mistake.
  static Result<Glob> parse(std::string_view pattern, Dots dots);

  // Whether the whole relative path (no '/' at its ends) matches.
  [[nodiscard]] bool matches(std::string_view path) const;
  // Whether a path below `folder` can match, for leaving folders unread.
  [[nodiscard]] bool may_match_below(std::string_view folder) const;
  // The pattern ended in '/': it names folders, and matches() is meant for folders.
  [[nodiscard]] bool for_folders() const { return for_folders_; }

 private:
  enum class Kind : uint8_t {
    kLiteral,
    kAnyOne,
    kClass,
    kStar,      // any run without '/'
    kGlobstar,  // any run
    kFolders,   // "**/", at the start of a folder name; kInFolder follows
    kInFolder,
  };
  struct Range {
    uint32_t first = 0;
    uint32_t last = 0;
  };
  struct Token {
    Kind kind = Kind::kLiteral;
    bool negated = false;
    uint32_t unit = 0;          // kLiteral
    std::vector<Range> ranges;  // kClass
  };
  class Parser;
  // One flag per token: the tokens that may match the next character; the last flag is "done".
  using States = std::vector<uint8_t>;

  [[nodiscard]] States run(std::string_view path) const;
  void step(States& states, States& next, uint32_t unit, bool at_name_start) const;
  void skip_empty(States& states) const;
  // Whether the token begins a file or folder name in the pattern (no wildcard stands before it).
  [[nodiscard]] bool begins_name(size_t i) const;

  std::vector<Token> tokens_;
  Dots dots_ = Dots::kMatched;
  bool for_folders_ = false;
};

// Include and exclude lists, parsed once. Immutable: any thread may ask.
class PathFilter {
 public:
  // kInvalidArgument for the first pattern with a mistake.
  static Result<PathFilter> parse(const std::vector<std::string>& include,
                                  const std::vector<std::string>& exclude);

  // Whether the file at `path` (relative to the root) is wanted.
  [[nodiscard]] bool wants_file(std::string_view path) const;
  // Whether a wanted file can be below this folder; "" is the root.
  [[nodiscard]] bool wants_folder(std::string_view path) const;
  // Whether an exclude pattern matches the file or a folder on the way to it.
  [[nodiscard]] bool excludes(std::string_view path) const;
  // Whether the path has a hidden name that no include could name.
  [[nodiscard]] bool hides(std::string_view path) const;

 private:
  std::vector<Glob> include_;
  std::vector<Glob> exclude_;
};

}  // namespace docmind::ingest
