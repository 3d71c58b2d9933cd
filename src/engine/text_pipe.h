// TextPipe: from generated tokens to text that can be shown.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/sampler.h"
#include "engine/stop_strings.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8_stream.h"

namespace docmind::engine {

// Holds back the beginnings of characters and of stop strings. The tokenizer must outlive it.
class TextPipe {
 public:
  TextPipe(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> stop)
      : tokenizer_(tokenizer), stop_(std::move(stop)) {}

  // What can be shown now; nothing after stopped().
  [[nodiscard]] std::string push(TokenId token) { return stop_.feed(utf8_.push(tokenizer_.piece(token, false))); }
  // The rest, at the end of the text.
  [[nodiscard]] std::string finish() {
    std::string rest = stop_.feed(utf8_.finish());
    return rest += stop_.finish();
  }
  [[nodiscard]] bool stopped() const { return stop_.stopped(); }

 private:
  const tokenizer::Tokenizer& tokenizer_;
  tokenizer::Utf8Stream utf8_;
  StopStrings stop_;
};

}  // namespace docmind::engine
