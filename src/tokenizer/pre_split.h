// Pre-split of byte-level BPE: text to the words that are merged each on its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace docmind::tokenizer {

enum class SplitRule {
  kGpt2,     // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kDefault,  // punctuation apart, then GPT-2's, then digits by threes
  kQwen2,    // (?i:contractions)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kLlama3,   // the same with \p{N}{1,3}
};

struct PreSplit {
  SplitRule rule = SplitRule::kGpt2;
  bool ignore_merges = false;  // a word that is a token stays whole, whatever the merges say
  bool add_bos = false;        // where the file does not say
};

// By GGUF's tokenizer.ggml.pre; kUnsupported names the value and those that are known.
Result<PreSplit> find_pre_split(std::string_view name);

// Where the word that begins at `at` < text.size() ends. Hand-written after the expressions above:
// they look ahead by one code point at most, so all take time linear in the text.
[[nodiscard]] size_t gpt2_word_end(std::string_view text, size_t at);
[[nodiscard]] size_t qwen2_word_end(std::string_view text, size_t at, int max_digits);
// The default rule's own steps: a run of punctuation or of anything else; digits within a word.
[[nodiscard]] size_t punctuation_run_end(std::string_view text, size_t at);
[[nodiscard]] size_t digit_piece_end(std::string_view word, size_t at);

template <typename Emit>
void for_each_gpt2_word(std::string_view text, Emit emit) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = gpt2_word_end(text, at);
    emit(text.substr(at, end - at));
    at = end;
  }
}

// Calls emit(std::string_view) with each part of the text in turn; end_of(text, at) says where one ends.
template <typename EndOf, typename Emit>
void for_each_part(std::string_view text, EndOf end_of, Emit emit) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = end_of(text, at);
    emit(text.substr(at, end - at));
    at = end;
  }
}

// Calls emit(std::string_view) with each word in turn; together they are the text.
template <typename Emit>
void for_each_word(SplitRule rule, std::string_view text, Emit emit) {
  switch (rule) {
    case SplitRule::kGpt2: return for_each_part(text, gpt2_word_end, emit);
    case SplitRule::kQwen2:
      return for_each_part(text, [](std::string_view t, size_t at) { return qwen2_word_end(t, at, 1); }, emit);
    case SplitRule::kLlama3:
      return for_each_part(text, [](std::string_view t, size_t at) { return qwen2_word_end(t, at, 3); }, emit);
    case SplitRule::kDefault:
      return for_each_part(text, punctuation_run_end, [&](std::string_view run) {
        for_each_part(run, gpt2_word_end,
                      [&](std::string_view word) { for_each_part(word, digit_piece_end, emit); });
      });
  }
}

}  // namespace docmind::tokenizer
