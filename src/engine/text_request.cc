// TextRequest: a prompt that waits for its turn, and what decides when that is.
// SPDX-License-Identifier: Apache-2.0
#include "engine/text_request.h"

#include <fmt/format.h>

namespace docmind::engine {

std::string_view priority_name(Priority priority) {
  switch (priority) {
    case Priority::kInteractive: return "interactive";
    case Priority::kNormal: return "normal";
    case Priority::kBackground: return "background";
  }
  return "";
}

Status check(const TextRequest& request, const TextLimits& limits) {
  DM_TRY(check(request.options.sampling));
  if (request.options.max_tokens < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("max_tokens must be at least 1, not {}", request.options.max_tokens)};
  }
  if (request.prompt.empty()) return Error{ErrorCode::kInvalidArgument, "the prompt is empty"};
  if (static_cast<int64_t>(request.prompt.size()) >= limits.n_context) {
    return Error{ErrorCode::kLimit,
                 fmt::format("the prompt has {} tokens and the context holds {} with the answer; "
                             "shorten the prompt or raise model.context",
                             request.prompt.size(), limits.n_context)};
  }
  for (const TokenId token : request.prompt) {
    if (token >= 0 && token < limits.n_vocab) continue;
    return Error{ErrorCode::kInvalidArgument, fmt::format("the prompt has token {}, the model's are 0 to {}", token,
                                                          limits.n_vocab - 1)};
  }
  return {};
}

}  // namespace docmind::engine
