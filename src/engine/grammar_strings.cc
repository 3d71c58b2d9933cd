// JsonRules: the characters of strings.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "engine/grammar_json.h"

namespace docmind::engine {
namespace {

constexpr uint32_t kFirstSurrogate = 0xd800, kLastSurrogate = 0xdfff, kLastCodePoint = 0x10ffff;
constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
constexpr std::string_view kEscapes = "\"\\bfnrt";

// The code points of UTF-8 texts of 1 to 4 bytes.
constexpr CodePoints kLengths[] = {{0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xffff}, {0x10000, kLastCodePoint}};

std::string utf8_of(uint32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

// Of valid UTF-8: the code point, and how many bytes it takes.
std::pair<uint32_t, size_t> first_character(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t n = std::min<size_t>(text.size(), lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
  uint32_t point = n == 1 ? lead : lead & (0x7fu >> n);
  for (size_t i = 1; i < n; ++i) point = point << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
  return {point, n};
}

ByteSet set_of(std::string_view text) {
  ByteSet set;
  for (const char c : text) set.set(static_cast<uint8_t>(c));
  return set;
}

// Texts of equal length from `low` to `high` in the order of their bytes, where all bytes after the first have
// 64 values.
NodeId between(GrammarBuilder& builder, std::string_view low, std::string_view high, NodeId next) {
  if (low.empty()) return next;
  const auto first = static_cast<uint8_t>(low.front());
  const auto last = static_cast<uint8_t>(high.front());
  const std::string least(low.size() - 1, '\x80');
  const std::string most(low.size() - 1, '\xbf');
  const std::string_view low_rest = low.substr(1), high_rest = high.substr(1);
  if (first == last) return builder.byte(low.front(), between(builder, low_rest, high_rest, next));
  std::vector<NodeId> arms;
  uint8_t begin = first, end = last;
  if (low_rest != least) {
    arms.push_back(builder.byte(low.front(), between(builder, low_rest, most, next)));
    ++begin;
  }
  if (high_rest != most) {
    arms.push_back(builder.byte(high.front(), between(builder, least, high_rest, next)));
    --end;
  }
  if (begin <= end) {
    arms.push_back(builder.bytes(byte_range(begin, end), between(builder, least, most, next)));
  }
  return builder.split(arms);
}

}  // namespace

std::string escaped_json(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (const size_t i = kEscaped.find(c); i != std::string_view::npos) {
      escaped += '\\';
      escaped += kEscapes[i];
    } else if (static_cast<uint8_t>(c) < 0x20) {
      escaped += fmt::format("\\u{:04x}", static_cast<uint8_t>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

NodeId JsonRules::text_of(std::string_view text, NodeId next) { return builder_.literal(escaped_json(text), next); }

NodeId JsonRules::utf8(CodePoints points, NodeId next) {
  std::vector<NodeId> arms;
  for (const CodePoints& length : kLengths) {
    const uint32_t first = std::max(points.first, length.first);
    const uint32_t last = std::min(points.last, length.last);
    if (first <= last) arms.push_back(between(builder_, utf8_of(first), utf8_of(last), next));
  }
  return builder_.split(arms);
}

// Four hexadecimal digits; each of `pattern` stands for a set: 'x' any, '8' 8 to b, 'c' c to f, 'd' d, '7' 0 to 7,
// 'e' all but d.
NodeId JsonRules::hex(std::string_view pattern, NodeId next) {
  for (size_t i = pattern.size(); i-- > 0;) {
    switch (pattern[i]) {
      case '8': next = builder_.bytes(set_of("89aAbB"), next); break;
      case 'c': next = builder_.bytes(set_of("cCdDeEfF"), next); break;
      case '7': next = builder_.bytes(set_of("01234567"), next); break;
      case 'd': next = builder_.bytes(set_of("dD"), next); break;
      case 'e': next = builder_.bytes(set_of("0123456789aAbBcCeEfF"), next); break;
      default: next = builder_.bytes(set_of("0123456789aAbBcCdDeEfF"), next); break;
    }
  }
  return next;
}

// After the backslash. Surrogates only in pairs: alone they are no characters.
NodeId JsonRules::escape(NodeId next) {
  const NodeId low = builder_.literal("\\u", hex("dcxx", next));
  const NodeId point = builder_.split({hex("exxx", next), hex("d7xx", next), hex("d8xx", low)});
  return builder_.split({builder_.bytes(set_of("\"\\/bfnrt"), next), builder_.byte('u', point)});
}

NodeId JsonRules::character_before(NodeId next) {
  ByteSet plain = byte_range(0x20, 0x7f);
  plain.reset('"');
  plain.reset('\\');
  return builder_.split({builder_.bytes(plain, next), utf8({0x80, kFirstSurrogate - 1}, next),
                         utf8({kLastSurrogate + 1, kLastCodePoint}, next), builder_.byte('\\', escape(next))});
}

NodeId JsonRules::any_characters(NodeId next) {
  const NodeId loop = builder_.reserve();
  builder_.bind(loop, builder_.split({character_before(loop), next}));
  return loop;
}

NodeId JsonRules::one_of(std::span<const CodePoints> set, NodeId next) {
  std::vector<NodeId> arms;
  ByteSet plain;
  for (const CodePoints& range : set) {
    for (uint32_t point = range.first; point <= std::min(range.last, 0x7fu); ++point) plain.set(point);
    const CodePoints parts[] = {{std::max(range.first, 0x80u), std::min(range.last, kFirstSurrogate - 1)},
                                {std::max(range.first, kLastSurrogate + 1), std::min(range.last, kLastCodePoint)}};
    for (const CodePoints& part : parts) {
      if (part.first <= part.last) arms.push_back(utf8(part, next));
    }
  }
  for (uint32_t point = 0; point < 0x80; ++point) {
    if (!plain[point]) continue;
    const char c = static_cast<char>(point);
    const std::string escaped = escaped_json({&c, 1});
    if (escaped.size() == 1) continue;
    plain.reset(point);
    arms.push_back(builder_.literal(escaped, next));
  }
  if (plain.any()) arms.push_back(builder_.bytes(plain, next));
  return builder_.split(arms);
}

// Names share their beginnings here; a character that no name has next leads to any characters at all. An escape could
// spell a name in another way, so that before that only characters are escaped that must be.
NodeId JsonRules::key_rest(std::span<const std::string_view> names, NodeId free, NodeId next) {
  std::vector<NodeId> arms;
  if (!names.empty() && names.front().empty()) names = names.subspan(1);
  else arms.push_back(builder_.byte('"', next));
  std::vector<CodePoints> others;
  uint32_t from = 0;  // names are sorted by their bytes, and with them by their code points
  while (!names.empty()) {
    const auto [point, n_bytes] = first_character(names.front());
    const std::string_view character = names.front().substr(0, n_bytes);
    std::vector<std::string_view> rests;
    for (; !names.empty() && names.front().starts_with(character); names = names.subspan(1)) {
      rests.push_back(names.front().substr(n_bytes));
    }
    arms.push_back(text_of(character, key_rest(rests, free, next)));
    if (from < point) others.push_back({from, point - 1});
    from = point + 1;
  }
  others.push_back({from, kLastCodePoint});
  arms.push_back(one_of(others, free));
  return builder_.split(arms);
}

NodeId JsonRules::other_key(std::span<const std::string_view> names, NodeId next) {
  const NodeId end = builder_.byte('"', next);
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (sorted.empty()) return builder_.byte('"', any_characters(end));
  return builder_.byte('"', key_rest(sorted, any_characters(end), next));
}

}  // namespace docmind::engine
