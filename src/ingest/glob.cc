// Globs as a small nondeterministic automaton: no pattern makes matching explode.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/glob.h"

#include <unicode/utf8.h>

#include <algorithm>

#include "ingest/reader.h"

namespace docmind::ingest {
namespace {

constexpr size_t kMaxPatternBytes = 4'096;
constexpr uint32_t kFirstInvalidByte = 0x110000;  // one past the last code point

// The character at `position`, which moves past it.
uint32_t next_unit(std::string_view text, size_t& position) {
  const auto byte = static_cast<uint8_t>(text[position]);
  if (byte < 0x80) {
    ++position;
    return byte;
  }
  // Four bytes are enough for any sequence; this keeps ICU's 32-bit offsets away from the length.
  const std::string_view piece = text.substr(position, 4);
  const auto length = static_cast<int32_t>(piece.size());
  int32_t used = 0;
  UChar32 code_point = 0;
  U8_NEXT(piece.data(), used, length, code_point);
  if (code_point < 0) {
    ++position;
    return kFirstInvalidByte + byte;
  }
  position += static_cast<size_t>(used);
  return static_cast<uint32_t>(code_point);
}

Error bad_glob(std::string_view pattern, size_t position, std::string_view what) {
  std::string message = "glob '";
  message.append(pattern).append("' is wrong at position ").append(std::to_string(position + 1));
  message.append(": ").append(what);
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

// Calls `use` with each proper ancestor of the path, outermost first, until it returns true.
template <typename Use>
bool any_ancestor(std::string_view path, Use&& use) {
  for (size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (use(path.substr(0, slash))) return true;
  }
  return false;
}

bool has_hidden_name(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

}  // namespace

class Glob::Parser {
 public:
  Parser(std::string_view pattern, Glob& glob) : pattern_(pattern), glob_(glob) {}

  Status parse() {
    if (pattern_.empty()) return bad_glob(pattern_, 0, "the pattern is empty");
    if (pattern_.size() > kMaxPatternBytes) {
      return bad_glob(pattern_.substr(0, 40), kMaxPatternBytes,
                      "it has " + std::to_string(pattern_.size()) + " bytes, the limit is " +
                          std::to_string(kMaxPatternBytes));
    }
    DM_TRY(strip_ends());
    while (at_ < end_) DM_TRY(token());
    return {};
  }

 private:
  // Leading "/" or "./" ties the pattern to the root; a trailing "/" makes it one for folders.
  Status strip_ends() {
    end_ = pattern_.size();
    if (pattern_.back() == '/' && end_ > 1) {
      glob_.for_folders_ = true;
      --end_;
    }
    const bool anchored = pattern_.substr(0, end_).find('/') != std::string_view::npos;
    if (pattern_.starts_with("./")) at_ = 1;
    if (pattern_[at_] == '/') ++at_;
    if (at_ >= end_) return bad_glob(pattern_, 0, "the pattern names nothing");
    if (!anchored) push_folders();
    return {};
  }

  void push(Kind kind, uint32_t unit = 0) {
    glob_.tokens_.push_back(Token{.kind = kind, .negated = false, .unit = unit, .ranges = {}});
  }
  void push_folders() {
    push(Kind::kFolders);
    push(Kind::kInFolder);
  }

  Status token() {
    const char c = pattern_[at_];
    if (c == '*') {
      stars();
    } else if (c == '?') {
      push(Kind::kAnyOne);
      ++at_;
    } else if (c == '[') {
      return char_class();
    } else {
      DM_ASSIGN(const uint32_t unit, literal());
      push(Kind::kLiteral, unit);
    }
    return {};
  }

  void stars() {
    const size_t begin = at_;
    while (at_ < end_ && pattern_[at_] == '*') ++at_;
    const bool whole_name_before = begin == 0 || pattern_[begin - 1] == '/';
    if (at_ - begin == 1) {
      push(Kind::kStar);
    } else if (whole_name_before && at_ < end_ && pattern_[at_] == '/') {
      ++at_;
      push_folders();
    } else {
      push(Kind::kGlobstar);
    }
  }

  // A character that stands for itself, with its escape.
  Result<uint32_t> literal() {
    if (pattern_[at_] == '\\') {
      if (at_ + 1 >= end_) return bad_glob(pattern_, at_, "nothing follows the '\\'");
      ++at_;
    }
    return next_unit(pattern_.substr(0, end_), at_);
  }

  Status char_class() {
    const size_t open = at_++;
    Token token{.kind = Kind::kClass, .negated = false, .unit = 0, .ranges = {}};
    if (at_ < end_ && (pattern_[at_] == '!' || pattern_[at_] == '^')) {
      token.negated = true;
      ++at_;
    }
    for (bool first = true;; first = false) {
      if (at_ >= end_ || pattern_[at_] == '/') {
        return bad_glob(pattern_, open, "this '[' has no ']' before the next '/' or the end");
      }
      if (pattern_[at_] == ']' && !first) break;
      if (pattern_.substr(at_, 2) == "[:") {
        return bad_glob(pattern_, at_, "classes like [:alpha:] are not known; write [a-zA-Z]");
      }
      DM_TRY(class_range(token));
    }
    ++at_;
    glob_.tokens_.push_back(std::move(token));
    return {};
  }

  Status class_range(Token& token) {
    const size_t begin = at_;
    Range range;
    DM_ASSIGN(range.first, literal());
    range.last = range.first;
    if (at_ + 1 < end_ && pattern_[at_] == '-' && pattern_[at_ + 1] != ']' &&
        pattern_[at_ + 1] != '/') {
      ++at_;
      DM_ASSIGN(range.last, literal());
      if (range.last < range.first) return bad_glob(pattern_, begin, "the range runs backwards");
    }
    token.ranges.push_back(range);
    return {};
  }

  std::string_view pattern_;
  Glob& glob_;
  size_t at_ = 0;
  size_t end_ = 0;
};

Result<Glob> Glob::parse(std::string_view pattern, Dots dots) {
  Glob glob;
  glob.dots_ = dots;
  DM_TRY(Parser(pattern, glob).parse());
  return glob;
}

bool Glob::begins_name(size_t i) const {
  if (i == 0) return true;
  const Token& before = tokens_[i - 1];
  return before.kind == Kind::kInFolder || (before.kind == Kind::kLiteral && before.unit == '/');
}

void Glob::skip_empty(States& states) const {
  // Every empty move leads forward, so one pass in order finds them all.
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (states[i] == 0) continue;
    const Kind kind = tokens_[i].kind;
    if (kind == Kind::kStar || kind == Kind::kGlobstar) states[i + 1] = 1;
    if (kind == Kind::kFolders) states[i + 2] = 1;
  }
}

void Glob::step(States& states, States& next, uint32_t unit, bool at_name_start) const {
  std::fill(next.begin(), next.end(), uint8_t{0});
  const bool named_only = at_name_start && unit == '.' && dots_ == Dots::kOnlyNamed;
  const bool in_name = unit != '/' && !named_only;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (states[i] == 0) continue;
    const Token& token = tokens_[i];
    switch (token.kind) {
      case Kind::kLiteral:
        next[i + 1] |= token.unit == unit && (!named_only || begins_name(i));
        break;
      case Kind::kAnyOne: next[i + 1] |= in_name; break;
      case Kind::kClass: {
        const bool listed = std::any_of(
            token.ranges.begin(), token.ranges.end(),
            [&](const Range& range) { return unit >= range.first && unit <= range.last; });
        next[i + 1] |= in_name && listed != token.negated;
        break;
      }
      case Kind::kStar: next[i] |= in_name; break;
      case Kind::kGlobstar: next[i] |= !named_only; break;
      case Kind::kFolders: next[i + 1] |= in_name; break;
      case Kind::kInFolder: next[unit == '/' ? i - 1 : i] = 1; break;
    }
  }
  skip_empty(next);
  states.swap(next);
}

Glob::States Glob::run(std::string_view path) const {
  States states(tokens_.size() + 1, 0);
  States next(states.size(), 0);
  states[0] = 1;
  skip_empty(states);
  bool at_name_start = true;
  for (size_t position = 0; position < path.size();) {
    const uint32_t unit = next_unit(path, position);
    step(states, next, unit, at_name_start);
    at_name_start = unit == '/';
  }
  return states;
}

bool Glob::matches(std::string_view path) const { return run(path).back() != 0; }

bool Glob::may_match_below(std::string_view folder) const {
  const States states = run(std::string(folder) + "/");
  return std::any_of(states.begin(), states.end() - 1, [](uint8_t state) { return state != 0; });
}

Result<PathFilter> PathFilter::parse(const std::vector<std::string>& include,
                                     const std::vector<std::string>& exclude) {
  PathFilter filter;
  for (const std::string& pattern : include) {
    DM_ASSIGN(Glob glob, Glob::parse(pattern, Dots::kOnlyNamed));
    if (glob.for_folders()) {
      return bad_glob(pattern, pattern.size() - 1,
                      "only exclude patterns may end in '/'; write '" + pattern +
                          "**' to include all below a folder");
    }
    filter.include_.push_back(std::move(glob));
  }
  for (const std::string& pattern : exclude) {
    DM_ASSIGN(Glob glob, Glob::parse(pattern, Dots::kMatched));
    filter.exclude_.push_back(std::move(glob));
  }
  return filter;
}

bool PathFilter::excludes(std::string_view path) const {
  return std::any_of(exclude_.begin(), exclude_.end(), [&](const Glob& glob) {
    if (!glob.for_folders()) return glob.matches(path);
    return any_ancestor(path, [&](std::string_view folder) { return glob.matches(folder); });
  });
}

bool PathFilter::hides(std::string_view path) const {
  if (!has_hidden_name(path)) return false;
  return std::none_of(include_.begin(), include_.end(), [&](const Glob& glob) {
    return glob.matches(path) || glob.may_match_below(path);
  });
}

bool PathFilter::wants_file(std::string_view path) const {
  if (excludes(path)) return false;
  if (include_.empty()) return !has_hidden_name(path) && has_known_extension(path);
  return std::any_of(include_.begin(), include_.end(),
                     [&](const Glob& glob) { return glob.matches(path); });
}

bool PathFilter::wants_folder(std::string_view path) const {
  if (path.empty()) return true;
  const bool excluded = std::any_of(exclude_.begin(), exclude_.end(), [&](const Glob& glob) {
    return glob.for_folders() &&
           (glob.matches(path) ||
            any_ancestor(path, [&](std::string_view folder) { return glob.matches(folder); }));
  });
  if (excluded) return false;
  if (include_.empty()) return !has_hidden_name(path);
  return std::any_of(include_.begin(), include_.end(),
                     [&](const Glob& glob) { return glob.may_match_below(path); });
}

}  // namespace docmind::ingest
