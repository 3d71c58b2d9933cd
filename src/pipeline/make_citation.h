// make_citation: where the quoted words of a passage stand, as narrowly as can be told.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "pipeline/answer.h"
#include "providers/provider.h"

namespace docmind::pipeline {

// The citation [`number`] of `passage` for the `spans` that an answer quotes from it. The lines are
// those of the quotes where the source file still tells them, else those of the whole passage; the
// section is that of the first quote. Reads the source file.
[[nodiscard]] Citation make_citation(int number, const Passage& passage,
                                     std::span<const providers::Evidence> spans);

}  // namespace docmind::pipeline
