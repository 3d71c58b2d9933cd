// Checks that decoders and encoders share.
// SPDX-License-Identifier: Apache-2.0
#include "model/load_check.h"

#include <fmt/format.h>

#include "model/limits.h"

namespace docmind::model {

Status check_options(const LoadOptions& options) {
  if (options.kernels == nullptr || options.team == nullptr) {
    return Error{ErrorCode::kInvalidArgument, "a model needs a kernel table and a thread team"};
  }
  if (options.max_batch_tokens < 1 || options.max_batch_tokens > kMaxBatchTokens) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("a model takes 1 to {} tokens at once, not {}",
                                                          kMaxBatchTokens, options.max_batch_tokens)};
  }
  return {};
}

Status check_tokens(std::span<const TokenId> tokens, int64_t n_vocab) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < n_vocab) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("token {} has the id {}; the vocabulary has {}", i, tokens[i], n_vocab)};
  }
  return {};
}

Status check_logits(size_t n_logits, size_t n_tokens, int64_t n_vocab) {
  const auto row = static_cast<size_t>(n_vocab);
  if (n_logits == 0 || n_logits == n_tokens * row || (n_tokens > 0 && n_logits == row)) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{} logits were asked for {} tokens of a vocabulary of {}; none, one row or a row a token "
                           "are possible", n_logits, n_tokens, n_vocab)};
}

}  // namespace docmind::model
