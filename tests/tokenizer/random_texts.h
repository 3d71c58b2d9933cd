// Random texts that reach into every corner of a tokenizer: scripts, spaces, marks, contractions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unicode.h"

namespace docmind::tokenizer::test {

class RandomTexts {
 public:
  explicit RandomTexts(uint32_t seed) : random_(seed) {}

  // Valid UTF-8 without NUL, never empty.
  std::string next() {
    std::string text;
    switch (below(5)) {
      case 0: add(text, 30, [&] { text.append(word()).append(space()); }); break;
      case 1: add(text, 60, [&] { append_utf8(character(), text); }); break;
      case 2: add(text, 40, [&] { text += " \n\r\t1aA'sS."[below(11)]; }); break;
      case 3: add(text, 300, [&] { text += "abehilnorst"[below(11)]; }); break;  // a long word
      default: add(text, 10, [&] { below(2) == 0 ? (void)text.append(word()) : append_utf8(character(), text); });
    }
    return text;
  }

 private:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  template <typename Part>
  void add(std::string& text, size_t max, Part part) {
    for (size_t n = 1 + below(max); n > 0; --n) part();
    if (text.empty()) text = "x";
  }

  std::string_view word() {
    static constexpr std::string_view kWords[] = {
        "The",  "quick", "fox's", "don't",  "WE'RE", "I'll",   "they'VE",   "12345",   "3.14",      "1,000,000",
        "hello_world",   "C++",   "#include", "<vector>", "naïve", "café",   "日本語",  "中文",      "한국어",
        "русский",       "العربية", "हिन्दी", "ไทย",     "🙂🏽",    "👨‍👩‍👧", "½",     "²",       "Ⅷ",         "٣",
        "①",    "µ",     "ß",     "ſ",      "İ",     "ı",      "ﬁ",         "a\u0301", "\u200b",    "\ufeff",
        "\u00ad", "<s>", "</s>",  "<unk>",  "[CLS]", "[SEP]",  "[MASK]",    "[UNK]",   "<|endoftext|>",
        "<|im_start|>",  "<0x0A>", "▁",     "▁▁",    "Ġ",      "$",         "+",       "^~`|=<>",   "ｶﾞ"};
    return kWords[below(std::size(kWords))];
  }
  std::string_view space() {
    static constexpr std::string_view kSpaces[] = {" ", " ",  "  ", "\n", "\n\n",    "\t",     " \n",    "\r\n",
                                                   "",  "   ", "'", "-",  " \u00a0", "\u3000", "\u2028", "\u0085"};
    return kSpaces[below(std::size(kSpaces))];
  }
  char32_t character() {
    static constexpr std::pair<char32_t, char32_t> kRanges[] = {
        {0x20, 0x7F}, {0x01, 0x250}, {0x300, 0x700}, {0x2000, 0x3000}, {0x3000, 0xA000}, {0xAC00, 0xD7A4},
        {0xF900, 0x10000}, {0x10000, 0x110000}};
    const auto [first, end] = kRanges[below(std::size(kRanges))];
    return first + static_cast<char32_t>(below(end - first));
  }

  std::mt19937 random_;
};

}  // namespace docmind::tokenizer::test
