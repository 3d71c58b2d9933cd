// Sequence::Impl, for the files of the module that make sequences.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kv/sequence.h"
#include "kv/sequence_state.h"

namespace docmind::kv {

struct Sequence::Impl : SequenceState {
  using SequenceState::SequenceState;
};

}  // namespace docmind::kv
