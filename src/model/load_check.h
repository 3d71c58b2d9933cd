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

}  // namespace docmind::model
