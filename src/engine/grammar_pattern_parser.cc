// Regular expressions: a parser by recursive descent.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_pattern_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::engine {
namespace {

using Points = std::vector<CodePoints>;

constexpr uint32_t kLastPoint = 0x10ffff;
constexpr int kMaxGroups = 32;            // within each other
constexpr uint32_t kMaxRepetitions = 10'000;

bool may_be_empty(const PatternPart& part) {
  switch (part.kind) {
    case PatternPart::Kind::kPoints: return false;
    case PatternPart::Kind::kSequence: return std::ranges::all_of(part.parts, may_be_empty);
    case PatternPart::Kind::kChoice: return std::ranges::any_of(part.parts, may_be_empty);
    case PatternPart::Kind::kRepeat: return part.min == 0 || may_be_empty(part.parts.front());
  }
  return false;
}

Points opposite(Points points) {
  std::ranges::sort(points, {}, &CodePoints::first);
  Points others;
  uint32_t from = 0;
  for (const CodePoints& range : points) {
    if (from < range.first) others.push_back({from, range.first - 1});
    from = std::max(from, range.last + 1);
  }
  if (from <= kLastPoint) others.push_back({from, kLastPoint});
  return others;
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view pattern) : pattern_(pattern), rest_(pattern) {}

  Result<std::vector<PatternBranch>> parse() {
    std::vector<PatternBranch> branches;
    do {
      PatternBranch branch;
      branch.from_begin = take('^');
      DM_ASSIGN(branch.part, sequence(0));
      branch.to_end = take('$');
      if (!rest_.empty() && rest_.front() != '|') return refuse(fmt::format("'{}' in the middle", next_text()));
      branches.push_back(std::move(branch));
    } while (take('|'));
    return branches;
  }

 private:
  Error refuse(std::string_view what) const {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the pattern '{}' has {}, which cannot be held to", printable(pattern_), what)};
  }
  Error malformed(std::string_view what) const {
    return Error{ErrorCode::kInvalidArgument, fmt::format("the pattern '{}' {}", printable(pattern_), what)};
  }
  [[nodiscard]] std::string next_text() const { return printable(rest_.substr(0, 3)); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<PatternPart> choice(int depth) {
    if (depth > kMaxGroups) return refuse(fmt::format("more than {} groups within each other", kMaxGroups));
    PatternPart part{.kind = PatternPart::Kind::kChoice};
    do {
      DM_ASSIGN(PatternPart one, sequence(depth));
      part.parts.push_back(std::move(one));
    } while (take('|'));
    return part;
  }

  Result<PatternPart> sequence(int depth) {
    PatternPart part{.kind = PatternPart::Kind::kSequence};
    while (!rest_.empty() && std::string_view("|)$").find(rest_.front()) == std::string_view::npos) {
      DM_ASSIGN(PatternPart one, repeated(depth));
      part.parts.push_back(std::move(one));
    }
    return part;
  }

  Result<PatternPart> repeated(int depth) {
    DM_ASSIGN(PatternPart part, atom(depth));
    for (;;) {
      uint32_t min = 0, max = GrammarBuilder::kNoLimit;
      if (take('*')) {
      } else if (take('+')) {
        min = 1;
      } else if (take('?')) {
        max = 1;
      } else if (rest_.starts_with('{')) {
        DM_TRY(counts(min, max));
      } else {
        return part;
      }
      take('?');  // as few as possible: the same strings
      if (may_be_empty(part)) return refuse("a repetition of what may be empty");
      PatternPart outer{.kind = PatternPart::Kind::kRepeat, .points = {}, .parts = {}, .min = min, .max = max};
      outer.parts.push_back(std::move(part));
      part = std::move(outer);
    }
  }

  Status number(uint32_t& value) {
    size_t n = 0;
    for (value = 0; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1), ++n) {
      value = std::min(value * 10 + static_cast<uint32_t>(rest_.front() - '0'), kMaxRepetitions + 1);
    }
    if (n == 0) return malformed("has braces without a number");
    if (value > kMaxRepetitions) return refuse(fmt::format("more than {} repetitions", kMaxRepetitions));
    return {};
  }

  Status counts(uint32_t& min, uint32_t& max) {
    take('{');
    DM_TRY(number(min));
    max = min;
    if (take(',')) {
      max = GrammarBuilder::kNoLimit;
      if (!rest_.starts_with('}')) DM_TRY(number(max));
    }
    if (!take('}')) return malformed("has a brace that is not closed");
    if (min > max) return malformed(fmt::format("wants {} to {} repetitions", min, max));
    return {};
  }

  Result<PatternPart> atom(int depth) {
    if (take('(')) {
      if (rest_.starts_with("?:")) rest_.remove_prefix(2);
      else if (rest_.starts_with('?')) return refuse(fmt::format("'({}'", next_text()));
      DM_ASSIGN(PatternPart part, choice(depth + 1));
      if (rest_.starts_with('$')) return refuse("'$' in a group");
      if (!take(')')) return malformed("has a group that is not closed");
      return part;
    }
    if (take('[')) return class_of();
    if (take('.')) return points(opposite({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
    if (rest_.starts_with('^')) return refuse("'^' in the middle");
    if (std::string_view("*+?{").find(rest_.front()) != std::string_view::npos) {
      return malformed(fmt::format("repeats nothing at '{}'", next_text()));
    }
    DM_ASSIGN(Points set, character());
    return points(std::move(set));
  }

  static PatternPart points(Points set) {
    return {.kind = PatternPart::Kind::kPoints, .points = std::move(set), .parts = {}};
  }

  // One character, or what an escape stands for.
  Result<Points> character() {
    if (take('\\')) return escaped();
    const CodePoint code = code_point_of(rest_);
    rest_.remove_prefix(code.n_bytes);
    return Points{{code.value, code.value}};
  }

  struct CodePoint {
    uint32_t value;
    size_t n_bytes;
  };
  static CodePoint code_point_of(std::string_view text) {
    const auto lead = static_cast<uint8_t>(text.front());
    const size_t n = std::min<size_t>(text.size(), lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
    uint32_t value = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t i = 1; i < n; ++i) value = value << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
    return {value, n};
  }

  Result<Points> escaped() {
    if (rest_.empty()) return malformed("ends in a backslash");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    const Points digits = {{'0', '9'}};
    const Points words = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    const Points spaces = {{'\t', '\r'}, {' ', ' '}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a},
                           {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
    const auto only = [](uint32_t point) { return Points{{point, point}}; };
    switch (c) {
      case 'd': return digits;
      case 'D': return opposite(digits);
      case 'w': return words;
      case 'W': return opposite(words);
      case 's': return spaces;
      case 'S': return opposite(spaces);
      case 't': return only('\t');
      case 'n': return only('\n');
      case 'r': return only('\r');
      case 'f': return only('\f');
      case 'v': return only('\v');
      case 'x': return hexadecimal(2);
      case 'u': return hexadecimal(4);
      default: break;
    }
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || static_cast<uint8_t>(c) >= 0x80) return refuse(fmt::format("'\\{}'", printable({&c, 1})));
    return only(static_cast<uint8_t>(c));
  }

  Result<Points> hexadecimal(size_t n) {
    uint32_t value = 0;
    for (size_t i = 0; i < n; ++i, rest_.remove_prefix(1)) {
      const size_t digit = rest_.empty() ? std::string_view::npos
                                         : std::string_view("0123456789abcdefABCDEF").find(rest_.front());
      if (digit == std::string_view::npos) return malformed("has an escape without its digits");
      value = value * 16 + static_cast<uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return Points{{value, value}};
  }

  Result<PatternPart> class_of() {
    const bool negated = take('^');
    Points set;
    while (!take(']')) {
      if (rest_.empty()) return malformed("has a class that is not closed");
      DM_ASSIGN(Points low, character());
      const bool is_range = rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']';
      if (!is_range || low.size() != 1 || low[0].first != low[0].last) {
        set.insert(set.end(), low.begin(), low.end());
        continue;
      }
      take('-');
      DM_ASSIGN(const Points high, character());
      if (high.size() != 1 || high[0].first != high[0].last || high[0].first < low[0].first) {
        return malformed("has a class with a range that is none");
      }
      set.push_back({low[0].first, high[0].first});
    }
    if (negated) set = opposite(std::move(set));
    if (set.empty()) return malformed("has a class that nothing is in");
    return points(std::move(set));
  }

  std::string_view pattern_;
  std::string_view rest_;
};

}  // namespace

Result<std::vector<PatternBranch>> parse_pattern(std::string_view pattern) { return PatternParser(pattern).parse(); }

}  // namespace docmind::engine
