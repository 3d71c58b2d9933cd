// Reads a window of text once and remembers the best places to cut it.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/boundary.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <cstddef>

namespace docmind::ingest {
namespace {

enum class Strength : uint8_t { kNone, kWord, kSentence, kLine, kBlank };

struct Best {
  Strength strength = Strength::kNone;
  uint32_t at = 0;
  // Later places win over equal ones.
  void offer(Strength other, uint32_t place) {
    if (other == Strength::kNone || other < strength) return;
    strength = other;
    at = place;
  }
};

// What a character does to the places around it. Wide marks (East Asian) need no space after them.
enum class Kind : uint8_t {
  kPlain,
  kLower,
  kSpace,
  kNewline,
  kPoint,
  kStop,  // other ends of sentences
  kWideStop,
  kWidePause,
  kClosing,  // quotes and brackets that may stand between the end of a sentence and the space
};

constexpr Kind kind_of_ascii(char c) {
  switch (c) {
    case '\n': return Kind::kNewline;
    case '.': return Kind::kPoint;
    case '!':
    case '?': return Kind::kStop;
    case '"':
    case '\'':
    case ')':
    case ']':
    case '}': return Kind::kClosing;
    default: break;
  }
  if (c == ' ' || (c >= '\t' && c <= '\r')) return Kind::kSpace;
  return c >= 'a' && c <= 'z' ? Kind::kLower : Kind::kPlain;
}

constexpr std::array<Kind, 128> kAscii = [] {
  std::array<Kind, 128> kinds{};
  for (size_t c = 0; c < kinds.size(); ++c) kinds[c] = kind_of_ascii(static_cast<char>(c));
  return kinds;
}();

Kind kind_of(UChar32 c) {
  if (c < 0) return Kind::kPlain;  // no UTF-8
  if (c < 0x80) return kAscii[static_cast<size_t>(c)];
  constexpr UChar32 kFirstWide = 0x3000;
  switch (u_charType(c)) {
    case U_LOWERCASE_LETTER: return Kind::kLower;
    case U_SPACE_SEPARATOR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR: return Kind::kSpace;
    case U_END_PUNCTUATION:
    case U_FINAL_PUNCTUATION: return Kind::kClosing;
    case U_OTHER_PUNCTUATION:
      if (u_hasBinaryProperty(c, UCHAR_S_TERM) != 0) {
        return c < kFirstWide ? Kind::kStop : Kind::kWideStop;
      }
      return c < kFirstWide ? Kind::kPlain : Kind::kWidePause;
    default: return Kind::kPlain;
  }
}

bool is_white(Kind kind) { return kind == Kind::kSpace || kind == Kind::kNewline; }
bool is_word(Kind kind) { return kind == Kind::kPlain || kind == Kind::kLower; }
bool ends_sentence(Kind kind) {
  return kind == Kind::kPoint || kind == Kind::kStop || kind == Kind::kWideStop;
}

// What the characters read so far say about a cut before the next one.
class Reader {
 public:
  Strength before(Kind next) const {
    if (last_ == Kind::kNewline && next != Kind::kNewline) {
      return newlines_ > 1 ? Strength::kBlank : Strength::kLine;
    }
    if (is_white(next)) return Strength::kNone;
    if (is_white(last_)) {
      return sentence_ && next != Kind::kLower ? Strength::kSentence : Strength::kWord;
    }
    if (next == Kind::kClosing || ends_sentence(next)) return Strength::kNone;
    if (sentence_ && wide_) return Strength::kSentence;
    return last_ == Kind::kWidePause ? Strength::kWord : Strength::kNone;
  }

  void read(Kind kind) {
    if (is_white(kind)) {
      newlines_ += kind == Kind::kNewline ? 1 : 0;
      last_ = kind;
      return;
    }
    if (is_white(last_)) {
      sentence_ = wide_ = false;
      newlines_ = word_length_ = 0;
    }
    if (ends_sentence(kind)) {
      // "J. Smith": the point after a single letter ends no sentence.
      sentence_ = kind != Kind::kPoint || word_length_ != 1;
      wide_ = kind == Kind::kWideStop;
    } else if (kind != Kind::kClosing) {
      sentence_ = false;
    }
    ++word_length_;
    last_ = kind;
  }

  // How many bytes from `at` to `end` are ASCII letters and the like inside a word: nothing there
  // is a boundary, and only their number matters.
  int32_t skip_word(std::string_view text, int32_t at, int32_t end) {
    if (!is_word(last_)) return 0;
    int32_t next = at;
    while (next < end) {
      const auto byte = static_cast<uint8_t>(text[static_cast<size_t>(next)]);
      if (byte >= 0x80 || !is_word(kAscii[byte])) break;
      ++next;
    }
    word_length_ += static_cast<uint32_t>(next - at);
    return next - at;
  }

 private:
  Kind last_ = Kind::kPlain;
  bool sentence_ = false;
  bool wide_ = false;
  uint32_t newlines_ = 0;
  uint32_t word_length_ = 0;
};

}  // namespace

uint32_t best_cut(std::string_view text, const CutWindow& window) {
  // One sequence more than the window, to see what follows a cut at its end.
  const std::string_view piece = text.substr(window.begin, window.end - window.begin + 4);
  const auto length = static_cast<int32_t>(piece.size());
  Reader reader;
  Best wanted;
  Best early;
  uint32_t last = window.end;
  const auto last_place = static_cast<int32_t>(window.end - window.begin);
  for (int32_t next = 0; next < length;) {
    next += reader.skip_word(piece, next, last_place);
    const uint32_t here = window.begin + static_cast<uint32_t>(next);
    if (here > window.end || next >= length) break;
    UChar32 c = 0;
    U8_NEXT(piece.data(), next, length, c);
    const Kind kind = kind_of(c);
    const Strength strength = here > window.floor ? reader.before(kind) : Strength::kNone;
    if (here > window.floor) last = here;
    if (here > window.target) {
      if (wanted.strength != Strength::kNone) return wanted.at;
      if (early.strength != Strength::kNone) return early.at;
      if (strength != Strength::kNone) return here;
    } else if (here >= window.low) {
      wanted.offer(strength, here);
    } else if (here >= window.least) {
      early.offer(strength, here);
    }
    reader.read(kind);
  }
  if (wanted.strength != Strength::kNone) return wanted.at;
  return early.strength != Strength::kNone ? early.at : last;
}

}  // namespace docmind::ingest
