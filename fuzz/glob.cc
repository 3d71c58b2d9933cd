// Fuzzes globs against a matcher that tries every way: a pattern, then paths, one a line.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/glob.h"

#include <optional>

#include "fuzz/check.h"
#include "ingest/utf8.h"

namespace docmind::fuzz {
namespace {

using Units = std::vector<uint32_t>;

// The bytes of each code point as one number, in the order of code points; a byte that is no UTF-8
// is a unit of its own.
Units units_of(std::string_view text) {
  Units units;
  while (!text.empty()) {
    size_t length = 1;
    while (length <= 4 && length <= text.size() && !ingest::is_valid_utf8(text.substr(0, length))) {
      ++length;
    }
    const bool invalid = length > 4 || length > text.size();
    if (invalid) length = 1;
    uint32_t unit = invalid ? 0xFFFFFF : 0;  // above every sequence, as ranges see it
    for (const char c : text.substr(0, length)) unit = unit << 8 | static_cast<uint8_t>(c);
    units.push_back(unit);
    text.remove_prefix(length);
  }
  return units;
}

// Backtracking over the pattern's own characters, as ingest/scanner.h describes them. The pattern
// has passed the parser, is tied to the root and ends without '/'.
class NaiveGlob {
 public:
  NaiveGlob(std::string_view pattern, bool dots) : pattern_(units_of(pattern)), dots_(dots) {}

  // nullopt when trying every way takes too long.
  std::optional<bool> matches(std::string_view path) {
    path_ = units_of(path);
    steps_left_ = 20'000;
    const bool found = match(0, 0);
    if (steps_left_ <= 0) return std::nullopt;
    return found;
  }

 private:
  bool at_name(const Units& units, size_t i) const { return i == 0 || units[i - 1] == '/'; }
  bool hidden(size_t at) const {
    return !dots_ && at < path_.size() && path_[at] == '.' && at_name(path_, at);
  }
  bool wild(size_t at) const { return at < path_.size() && path_[at] != '/' && !hidden(at); }

  bool match(size_t i, size_t at) {
    if (--steps_left_ <= 0) return false;
    if (i == pattern_.size()) return at == path_.size();
    switch (pattern_[i]) {
      case '*': return match_stars(i, at);
      case '?': return wild(at) && match(i + 1, at + 1);
      case '[': return match_class(i, at);
      case '\\': return match_literal(i + 1, i, at);
      default: return match_literal(i, i, at);
    }
  }

  bool match_literal(size_t i, size_t begin, size_t at) {
    if (at >= path_.size() || path_[at] != pattern_[i]) return false;
    if (hidden(at) && !at_name(pattern_, begin)) return false;
    return match(i + 1, at + 1);
  }

  bool match_stars(size_t begin, size_t at) {
    size_t i = begin;
    while (i < pattern_.size() && pattern_[i] == '*') ++i;
    if (i - begin == 1) {
      return match(i, at) || (wild(at) && match(begin, at + 1));
    }
    const bool folders = at_name(pattern_, begin) && i < pattern_.size() && pattern_[i] == '/';
    if (!folders) return match(i, at) || (at < path_.size() && !hidden(at) && match(begin, at + 1));
    if (match(i + 1, at)) return true;
    if (!wild(at)) return false;
    size_t slash = at;
    while (slash < path_.size() && path_[slash] != '/') ++slash;
    return slash < path_.size() && match(begin, slash + 1);
  }

  uint32_t class_unit(size_t& i) const {
    if (pattern_[i] == '\\') ++i;
    return pattern_[i++];
  }

  bool match_class(size_t i, size_t at) {
    ++i;
    const bool negated = pattern_[i] == '!' || pattern_[i] == '^';
    if (negated) ++i;
    bool listed = false;
    for (bool first = true; first || pattern_[i] != ']'; first = false) {
      const uint32_t low = class_unit(i);
      uint32_t high = low;
      if (pattern_[i] == '-' && pattern_[i + 1] != ']' && pattern_[i + 1] != '/') {
        high = class_unit(++i);
      }
      listed = listed || (wild(at) && path_[at] >= low && path_[at] <= high);
    }
    return wild(at) && listed != negated && match(i + 1, at + 1);
  }

  Units pattern_;
  Units path_;
  bool dots_;
  int steps_left_ = 0;
};

// Paths of the scanner have no '/' at their ends and no empty names.
bool is_path(std::string_view path) {
  return !path.empty() && !path.starts_with('/') && !path.ends_with('/') &&
         path.find("//") == std::string_view::npos && path.size() <= 60;
}

void check_pattern(std::string_view pattern, std::string_view paths, bool dots) {
  const std::string tied = "/" + std::string(pattern);
  const auto kind = dots ? ingest::Dots::kMatched : ingest::Dots::kOnlyNamed;
  const Result<ingest::Glob> glob = ingest::Glob::parse(tied, kind);
  if (!glob.ok()) {
    require(glob.error().code == ErrorCode::kInvalidArgument, glob.error().message);
    return;
  }
  NaiveGlob naive(pattern.substr(0, pattern.size() - (glob->for_folders() ? 1 : 0)), dots);
  for (const std::string_view path : split_parts(paths, '\n', 10)) {
    const bool matches = glob->matches(path);
    if (!is_path(path)) continue;
    if (const auto expected = naive.matches(path)) {
      require(matches == *expected, "the automaton agrees with trying every way");
    }
    if (const size_t slash = path.rfind('/'); matches && slash != std::string_view::npos) {
      require(glob->may_match_below(path.substr(0, slash)), "a match is below its folder");
    }
  }
}

}  // namespace
}  // namespace docmind::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view paths = docmind::fuzz::as_text(data, size);
  const std::string_view pattern = docmind::fuzz::take_part(paths, '\n');
  docmind::fuzz::check_pattern(pattern, paths, true);
  docmind::fuzz::check_pattern(pattern, paths, false);
  (void)docmind::ingest::PathFilter::parse({std::string(pattern)}, {std::string(pattern)}).ok();
  return 0;
}
