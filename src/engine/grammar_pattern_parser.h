// Regular expressions as trees.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/grammar_json.h"

namespace docmind::engine {

struct PatternPart {
  enum class Kind { kPoints, kSequence, kChoice, kRepeat } kind = Kind::kSequence;
  std::vector<CodePoints> points = {};            // kPoints
  std::vector<PatternPart> parts = {};  // the others
  uint32_t min = 0, max = 0;
};

// An alternative of the whole pattern.
struct PatternBranch {
  PatternPart part;
  bool from_begin = false, to_end = false;
};

// Errors as pattern_rule().
[[nodiscard]] Result<std::vector<PatternBranch>> parse_pattern(std::string_view pattern);

}  // namespace docmind::engine
