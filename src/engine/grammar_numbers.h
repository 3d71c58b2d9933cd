// Numbers between bounds, as automata over their digits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "engine/grammar_json.h"
#include "engine/grammar_program.h"

namespace docmind::engine {

struct NumberBounds {
  std::optional<int64_t> min, max;
  bool above_min = false, below_max = false;  // exclusive
  [[nodiscard]] bool any() const { return min || max; }
};

// Numbers of at most this size are made where there is no bound.
inline constexpr int64_t kMostInteger = 999'999'999'999'999'999;

// Rules. Bounds beyond kMostInteger are cut to it. Without any such number: nothing().
[[nodiscard]] NodeId bounded_integer(GrammarBuilder& builder, NumberBounds bounds);
// In fixed notation, with a fraction or without.
[[nodiscard]] NodeId bounded_number(GrammarBuilder& builder, JsonRules& json, NumberBounds bounds);

}  // namespace docmind::engine
