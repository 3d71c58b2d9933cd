// Pre-split of byte-level BPE: the rules, written out.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_split.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"
#include "tokenizer/unicode.h"

namespace docmind::tokenizer {
namespace {

struct NamedSplit {
  std::string_view name;
  PreSplit split;
};

constexpr PreSplit kGpt2Split{SplitRule::kGpt2, false, false};
constexpr PreSplit kQwen2Split{SplitRule::kQwen2, false, false};
constexpr PreSplit kLlama3Split{SplitRule::kLlama3, true, true};

constexpr NamedSplit kSplits[] = {
  {"", {SplitRule::kDefault, false, false}},  // files before the key existed
  {"default", {SplitRule::kDefault, false, false}},
  {"gpt-2", kGpt2Split},
  {"gpt2", kGpt2Split},
  {"phi-2", kGpt2Split},
  {"roberta-bpe", kGpt2Split},
  {"qwen2", kQwen2Split},
  {"deepseek-r1-qwen", kQwen2Split},
  {"megrez", kQwen2Split},
  {"llama-bpe", kLlama3Split},
  {"llama3", kLlama3Split},
  {"llama-v3", kLlama3Split},
  {"falcon3", kLlama3Split},
};

CharClass class_at(std::string_view text, size_t at) {
  return char_class(code_point_at(text, at).value);
}

// The first place from `at` on whose character is of another class.
size_t run_end(std::string_view text, size_t at, CharClass wanted) {
  while (at < text.size()) {
    const CodePoint c = code_point_at(text, at);
    if (char_class(c.value) != wanted) break;
    at += c.n_bytes;
  }
  return at;
}

// The length of 's, 't, 're, 've, 'm, 'll or 'd at `at`; 0 if there is none.
template <bool kAnyCase>
size_t contraction_bytes(std::string_view text, size_t at) {
  if (text[at] != '\'') return 0;
  const auto letter = [&](size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return kAnyCase && is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = letter(at + 2);
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  return first == 'l' && second == 'l' ? 3 : 0;
}

// \s+(?!\S)|\s+: a run of white space, without its last character when a word follows.
size_t space_run_end(std::string_view text, size_t at) {
  size_t last = at;
  size_t end = at;
  while (end < text.size()) {
    const CodePoint c = code_point_at(text, end);
    if (char_class(c.value) != CharClass::kSpace) break;
    last = end;
    end += c.n_bytes;
  }
  return end < text.size() && last > at ? last : end;
}

// \s*[\r\n]+: where the last line end of a run of white space ends; `at` if it has none.
size_t last_line_end(std::string_view text, size_t at) {
  size_t last = at;
  for (size_t end = at; end < text.size();) {
    const CodePoint c = code_point_at(text, end);
    if (char_class(c.value) != CharClass::kSpace) break;
    end += c.n_bytes;
    if (c.value == '\r' || c.value == '\n') last = end;
  }
  return last;
}

// [\p{P}$+<=>^~|], of which the backtick is none.
bool is_default_punctuation(char32_t c) {
  if (std::u32string_view(U"$+<=>^~|").find(c) != std::u32string_view::npos) return true;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}

}  // namespace

Result<PreSplit> find_pre_split(std::string_view name) {
  std::string known;
  for (const NamedSplit& entry : kSplits) {
    if (entry.name == name) return entry.split;
    if (!entry.name.empty()) known += fmt::format("{}'{}'", known.empty() ? "" : ", ", entry.name);
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("the tokenizer splits words by the rule '{}', which is not supported; known are {}",
                           printable(name), known)};
}

size_t gpt2_word_end(std::string_view text, size_t at) {
  if (const size_t n = contraction_bytes<false>(text, at); n > 0) return at + n;
  const bool space = text[at] == ' ' && at + 1 < text.size();
  const size_t start = space ? at + 1 : at;
  const CharClass kind = class_at(text, start);
  return kind == CharClass::kSpace ? space_run_end(text, at) : run_end(text, start, kind);
}

size_t qwen2_word_end(std::string_view text, size_t at, int max_digits) {
  if (const size_t n = contraction_bytes<true>(text, at); n > 0) return at + n;
  const CodePoint first = code_point_at(text, at);
  const CharClass kind = char_class(first.value);
  const size_t second = at + first.n_bytes;
  if (kind == CharClass::kLetter) return run_end(text, second, CharClass::kLetter);
  if (kind == CharClass::kNumber) {
    size_t end = second;
    for (int n = 1; n < max_digits && end < text.size(); ++n) {
      const CodePoint c = code_point_at(text, end);
      if (char_class(c.value) != CharClass::kNumber) break;
      end += c.n_bytes;
    }
    return end;
  }
  const bool line_end = first.value == '\r' || first.value == '\n';
  const CharClass next = second < text.size() ? class_at(text, second) : CharClass::kSpace;
  if (!line_end && next == CharClass::kLetter) return run_end(text, second, CharClass::kLetter);
  if (kind == CharClass::kOther || (first.value == ' ' && next == CharClass::kOther)) {
    size_t end = run_end(text, second, CharClass::kOther);
    while (end < text.size() && (text[end] == '\r' || text[end] == '\n')) ++end;
    return end;
  }
  const size_t lines = last_line_end(text, at);
  return lines > at ? lines : space_run_end(text, at);
}

size_t punctuation_run_end(std::string_view text, size_t at) {
  const bool wanted = is_default_punctuation(code_point_at(text, at).value);
  while (at < text.size()) {
    const CodePoint c = code_point_at(text, at);
    if (is_default_punctuation(c.value) != wanted) break;
    at += c.n_bytes;
  }
  return at;
}

size_t digit_piece_end(std::string_view word, size_t at) {
  const CharClass kind = class_at(word, at);
  if (kind != CharClass::kNumber) {
    while (at < word.size() && class_at(word, at) != CharClass::kNumber) {
      at += code_point_at(word, at).n_bytes;
    }
    return at;
  }
  // Within a run of numbers, three ASCII digits are a piece, and so is all between such pieces.
  const auto three_digits = [&](size_t i) {
    return i + 3 <= word.size() && is_number(word.substr(i, 3));
  };
  if (three_digits(at)) return at + 3;
  while (at < word.size() && !three_digits(at)) {
    const CodePoint c = code_point_at(word, at);
    if (char_class(c.value) != CharClass::kNumber) break;
    at += c.n_bytes;
  }
  return at;
}

}  // namespace docmind::tokenizer
