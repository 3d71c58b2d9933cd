// What a language model wrote, made into a GenerateResult: refusals, marks and evidence.
// SPDX-License-Identifier: Apache-2.0
#include "providers/written_answer.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "providers/find_evidence.h"

namespace docmind::providers {
namespace {

// The passages that evidence names, as marks in order of use.
std::string marks_of(std::span<const Evidence> evidence) {
  std::vector<size_t> seen;
  std::string marks;
  for (const Evidence& span : evidence) {
    if (std::find(seen.begin(), seen.end(), span.passage) != seen.end()) continue;
    seen.push_back(span.passage);
    marks += fmt::format("[{}]", span.passage + 1);
  }
  return marks;
}

}  // namespace

Error written_answer_stopped() { return Error{ErrorCode::kCancelled, "the answer was stopped"}; }

Result<GenerateResult> finish_written_answer(AnswerStream& stream, std::span<const Passage> given,
                                             const WrittenEnd& end) {
  if (end.only_thought || stream.only_thought()) {
    return Error{ErrorCode::kLimit,
                 fmt::format("the model thought for all of its {} tokens and gave no answer; raise "
                             "model.max_tokens or switch model.thinking off",
                             end.max_tokens)};
  }
  if (!stream.finish()) return written_answer_stopped();
  GenerateResult result;
  result.n_prompt_tokens = end.n_prompt_tokens;
  result.n_completion_tokens = end.n_completion_tokens;
  result.answered = !stream.refused() && !stream.text().empty();
  result.finish_reason = result.answered ? end.finish_reason : "no_answer";
  if (!result.answered) return result;
  if (stream.has_marks()) {
    result.evidence = find_evidence(stream.text(), given);
  } else {
    result.evidence = find_uncited_evidence(stream.text(), given);
    const std::string marks = marks_of(result.evidence);
    if (!marks.empty() && !stream.append(" " + marks)) return written_answer_stopped();
  }
  result.text = stream.text();
  return result;
}

}  // namespace docmind::providers
