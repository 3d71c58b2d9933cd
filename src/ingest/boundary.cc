// Reads a window of text once and remembers the best places to cut it.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/boundary.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

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

constexpr UChar32 kFirstWide = 0x3000;  // East Asian marks need no space after them

bool is_space(UChar32 c) {
  return c < 0x80 ? c == ' ' || (c >= '\t' && c <= '\r') : u_isUWhiteSpace(c) != 0;
}
bool ends_sentence(UChar32 c) {
  if (c < 0x80) return c == '.' || c == '!' || c == '?';
  return u_hasBinaryProperty(c, UCHAR_S_TERM) != 0;
}
// Quotes and brackets that may stand between the end of a sentence and the space.
bool is_closing(UChar32 c) {
  if (c < 0x80) return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}';
  const int8_t type = u_charType(c);
  return type == U_END_PUNCTUATION || type == U_FINAL_PUNCTUATION;
}
bool is_lower(UChar32 c) { return c < 0x80 ? c >= 'a' && c <= 'z' : u_islower(c) != 0; }
bool is_wide_pause(UChar32 c) { return c >= kFirstWide && u_charType(c) == U_OTHER_PUNCTUATION; }

// What the characters read so far say about a cut before the next one.
class Reader {
 public:
  Strength before(UChar32 next) const {
    if (after_newline_ && next != '\n') {
      return newlines_ > 1 ? Strength::kBlank : Strength::kLine;
    }
    if (is_space(next)) return Strength::kNone;
    if (in_space_) return sentence_ && !is_lower(next) ? Strength::kSentence : Strength::kWord;
    if (is_closing(next) || ends_sentence(next)) return Strength::kNone;
    if (sentence_ && wide_) return Strength::kSentence;
    return wide_pause_ ? Strength::kWord : Strength::kNone;
  }

  void read(UChar32 c) {
    after_newline_ = c == '\n';
    if (is_space(c)) {
      in_space_ = true;
      newlines_ += after_newline_ ? 1 : 0;
      wide_pause_ = false;
      return;
    }
    if (in_space_) {
      in_space_ = sentence_ = wide_ = false;
      newlines_ = word_length_ = 0;
    }
    wide_pause_ = is_wide_pause(c);
    if (ends_sentence(c)) {
      // "J. Smith": the point after a single letter ends no sentence.
      sentence_ = c != '.' || word_length_ != 1;
      wide_ = c >= kFirstWide;
    } else if (!is_closing(c)) {
      sentence_ = false;
    }
    ++word_length_;
  }

 private:
  bool in_space_ = false;
  bool after_newline_ = false;
  bool sentence_ = false;
  bool wide_ = false;
  bool wide_pause_ = false;
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
  for (int32_t next = 0; next < length;) {
    const uint32_t here = window.begin + static_cast<uint32_t>(next);
    if (here > window.end) break;
    UChar32 c = 0;
    U8_NEXT(piece.data(), next, length, c);
    const Strength strength = here > window.floor ? reader.before(c) : Strength::kNone;
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
    reader.read(c);
  }
  if (wanted.strength != Strength::kNone) return wanted.at;
  return early.strength != Strength::kNone ? early.at : last;
}

}  // namespace docmind::ingest
