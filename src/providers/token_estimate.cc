// Bounds for the number of tokens of a text whose tokenizer runs somewhere else.
// SPDX-License-Identifier: Apache-2.0
#include "providers/token_estimate.h"

#include "base/ascii.h"

namespace docmind::providers {
namespace {

// In sixths of a token, so that thirds and halves add up exactly.
constexpr int64_t kToken = 6;
constexpr int64_t kLetter = 2;
constexpr int64_t kTwoByteCharacter = 4;    // Cyrillic, Greek, accents
constexpr int64_t kThreeByteCharacter = 9;  // Chinese, Japanese, Hindi
constexpr int64_t kFourByteCharacter = 18;
// A word beyond ASCII has a token for so many bytes at least.
constexpr int64_t kMostBytesPerToken = 48;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Of a character by its first byte; bytes within one cost nothing more.
int64_t cost_beyond_ascii(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (is_continuation(c)) return 0;
  if (byte >= 0xF0) return kFourByteCharacter;
  return byte >= 0xE0 ? kThreeByteCharacter : kTwoByteCharacter;
}

}  // namespace

int64_t estimate_tokens(std::string_view text) {
  int64_t sixths = 0;
  int64_t word = 0;  // of the word so far, which is rounded up at its end
  char before = ' ';
  const auto end_word = [&] {
    sixths += (word + kToken - 1) / kToken * kToken;
    word = 0;
  };
  for (const char c : text) {
    if (is_alpha(c)) {
      word += kLetter;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      word += cost_beyond_ascii(c);
    } else {
      end_word();
      // A single space belongs to the word behind it.
      if (c != ' ' || before == ' ') sixths += kToken;
    }
    before = c;
  }
  end_word();
  return sixths / kToken;
}

int64_t least_tokens(std::string_view text) {
  int64_t n_tokens = 0;
  bool has_letter = false;
  int64_t n_wide_bytes = 0;
  const auto end_word = [&] {
    if (has_letter || n_wide_bytes > 0) n_tokens += 1 + n_wide_bytes / kMostBytesPerToken;
    has_letter = false;
    n_wide_bytes = 0;
  };
  for (const char c : text) {
    if (is_space(c)) {
      end_word();
    } else {
      has_letter = has_letter || is_alnum(c);
      n_wide_bytes += static_cast<unsigned char>(c) >= 0x80 ? 1 : 0;
    }
  }
  end_word();
  return n_tokens;
}

}  // namespace docmind::providers
