// The prompt of an answer from documents: what the model is told, and which passages it gets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "providers/provider.h"

namespace docmind::providers {

// Raised when the words below change, so that no older answer is served.
inline constexpr std::string_view kRagPromptVersion = "rag/1";
// What a model is told to say when the passages do not answer the question.
inline constexpr std::string_view kNoAnswerSentence = "The passages do not contain the answer.";

struct RagPrompt {
  std::string system;
  std::string user;          // passages, then the question: what comes first is what stays the same
  size_t n_passages = 0;     // the first so many passages are in it, as [1], [2], ...
  bool cut = false;          // the last of them lost its end
};

using CountTokens = std::function<size_t(std::string_view text)>;

// The text of `passages`, best first, as far as `max_tokens` go for system and user text together;
// the last one is cut at a word when a worthwhile part of it fits. A document's own "[2]" becomes
// "(2)", so that the model does not take it for a mark. kLimit names the numbers when not even a
// part of the first passage has room beside the question. `language` is that of the answer; empty: the question's.
[[nodiscard]] Result<RagPrompt> make_rag_prompt(std::string_view question,
                                                std::span<const Passage> passages, size_t max_tokens,
                                                const CountTokens& count_tokens,
                                                std::string_view language = {});

}  // namespace docmind::providers
