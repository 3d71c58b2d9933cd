// Log-probabilities of tokens in the forms of OpenAI's chat and completions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "base/json.h"
#include "engine/generation.h"
#include "tokenizer/tokenizer.h"

namespace docmind::server {

// {"content": [{"token", "logprob", "bytes", "top_logprobs"}], "refusal": null}. A token need not be whole UTF-8: its
// text then has U+FFFD, and "bytes" tells what it is.
[[nodiscard]] json::object chat_logprobs(const tokenizer::Tokenizer& tokenizer,
                                         std::span<const engine::ScoredToken> tokens);

// {"tokens", "token_logprobs", "top_logprobs", "text_offset"} of one completion, piece by piece; offsets are those of
// the characters (code points) of the text.
class CompletionLogprobs {
 public:
  // `n_before`: characters of the prompt that stand before the text (echo).
  explicit CompletionLogprobs(const tokenizer::Tokenizer& tokenizer, int64_t n_before = 0)
      : tokenizer_(tokenizer), n_characters_(n_before) {}
  [[nodiscard]] json::object next(std::span<const engine::ScoredToken> tokens);

 private:
  const tokenizer::Tokenizer& tokenizer_;
  int64_t n_characters_ = 0;
};

[[nodiscard]] int64_t count_characters(std::string_view utf8);

}  // namespace docmind::server
