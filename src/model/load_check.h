// Checks that decoders and encoders share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "model/decoder.h"

namespace docmind::model {

// kInvalidArgument without kernels or team, or with a batch size out of range.
Status check_options(const LoadOptions& options);
// kInvalidArgument names the first id that is not below `n_vocab`, and its place.
Status check_tokens(std::span<const TokenId> tokens, int64_t n_vocab);
// kInvalidArgument unless `n_logits` are none, one row or a row for each of `n_tokens`.
Status check_logits(size_t n_logits, size_t n_tokens, int64_t n_vocab);

}  // namespace docmind::model
