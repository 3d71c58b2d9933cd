// What a language model wrote, made into a GenerateResult: refusals, marks and evidence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "providers/answer_stream.h"
#include "providers/provider.h"

namespace docmind::providers {

// At least one part in so many of a context is for the prompt, however long an answer may be.
inline constexpr int64_t kLeastPromptShare = 2;

// How the model came to an end.
struct WrittenEnd {
  std::string_view finish_reason;  // "stop", "length"
  int64_t n_prompt_tokens = 0;
  int64_t n_completion_tokens = 0;
  int64_t max_tokens = 0;          // that it was allowed
  bool only_thought = false;       // its thoughts went another way than the stream, and nothing else came
};

// Ends the stream. Evidence is found by words (find_evidence); an answer without any mark gets, at its end, those of
// the passages it clearly stands on. kLimit when the model thought until max_tokens; kCancelled when the stream's sink
// wants no more. `identity` is left empty.
[[nodiscard]] Result<GenerateResult> finish_written_answer(AnswerStream& stream, std::span<const Passage> given,
                                                           const WrittenEnd& end);

[[nodiscard]] Error written_answer_stopped();

}  // namespace docmind::providers
