// Numbers between bounds: by the length of their digits, then digit by digit.
// SPDX-License-Identifier: Apache-2.0
#include "engine/grammar_numbers.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace docmind::engine {
namespace {

ByteSet digit_range(char first, char last) {
  return byte_range(static_cast<uint8_t>(first), static_cast<uint8_t>(last));
}

NodeId any_digits(GrammarBuilder& builder, size_t n, NodeId next) {
  for (size_t i = 0; i < n; ++i) next = builder.bytes(digit_range('0', '9'), next);
  return next;
}

// As many digits as both have, from `low` to `high`.
NodeId digits_between(GrammarBuilder& builder, std::string_view low, std::string_view high, NodeId next) {
  const std::string zeros(low.size(), '0'), nines(low.size(), '9');
  if (low == zeros && high == nines) return any_digits(builder, low.size(), next);
  const char first = low.front(), last = high.front();
  const std::string_view low_rest = low.substr(1), high_rest = high.substr(1);
  const std::string_view least = std::string_view(zeros).substr(1), most = std::string_view(nines).substr(1);
  if (first == last) return builder.byte(first, digits_between(builder, low_rest, high_rest, next));
  std::vector<NodeId> arms = {builder.byte(first, digits_between(builder, low_rest, most, next)),
                              builder.byte(last, digits_between(builder, least, high_rest, next))};
  if (first + 1 < last) {
    const NodeId any = any_digits(builder, low_rest.size(), next);
    arms.push_back(builder.bytes(digit_range(static_cast<char>(first + 1), static_cast<char>(last - 1)), any));
  }
  return builder.split(arms);
}

// Whole numbers from `low` to `high`, both not negative, before `next`; `low` may be above `high`.
NodeId whole_between(GrammarBuilder& builder, int64_t low, int64_t high, NodeId next) {
  std::vector<NodeId> arms;
  for (int64_t begin = 0, end = 9; begin <= high; begin = end + 1, end = end * 10 + 9) {
    const int64_t from = std::max(low, begin), to = std::min(high, end);
    if (from <= to) arms.push_back(digits_between(builder, std::to_string(from), std::to_string(to), next));
    if (end >= kMostInteger) break;
  }
  return builder.split(arms);
}

// "." and digits that are not all zero.
NodeId fraction_above_zero(GrammarBuilder& builder, JsonRules& json, NodeId next) {
  NodeId node = builder.nothing();
  for (uint32_t n_rest = 0; n_rest < JsonRules::kMaxDigits; ++n_rest) {
    const NodeId above = builder.bytes(digit_range('1', '9'), json.up_to_digits(n_rest, next));
    node = builder.split({above, builder.byte('0', node)});
  }
  return builder.byte('.', node);
}

NodeId zero_fraction(GrammarBuilder& builder, NodeId next) {
  NodeId zeros = next;
  for (uint32_t i = 0; i < JsonRules::kMaxDigits; ++i) zeros = builder.split({next, builder.byte('0', zeros)});
  return builder.literal(".0", zeros);
}

struct Magnitudes {
  int64_t low = 0, high = 0;
  bool above_low = false, below_high = false;
};

NodeId number_between(GrammarBuilder& builder, JsonRules& json, const Magnitudes& range) {
  const NodeId end = builder.end();
  if (range.low > range.high) return builder.nothing();
  if (range.low == range.high) {
    if (range.above_low || range.below_high) return builder.nothing();
    return whole_between(builder, range.low, range.low, builder.split({end, zero_fraction(builder, end)}));
  }
  std::vector<NodeId> arms;
  const int64_t first = range.low + (range.above_low ? 1 : 0);
  arms.push_back(whole_between(builder, first, range.high - 1, builder.split({end, json.fraction(end)})));
  if (range.above_low) {
    arms.push_back(whole_between(builder, range.low, range.low, fraction_above_zero(builder, json, end)));
  }
  if (!range.below_high) {
    arms.push_back(whole_between(builder, range.high, range.high, builder.split({end, zero_fraction(builder, end)})));
  }
  return builder.split(arms);
}

}  // namespace

NodeId bounded_integer(GrammarBuilder& builder, NumberBounds bounds) {
  const int64_t min = std::clamp(bounds.min.value_or(-kMostInteger) + (bounds.above_min ? 1 : 0), -kMostInteger,
                                 kMostInteger + 1);
  const int64_t max = std::clamp(bounds.max.value_or(kMostInteger) - (bounds.below_max ? 1 : 0), -kMostInteger - 1,
                                 kMostInteger);
  std::vector<NodeId> arms;
  if (max >= 0) arms.push_back(whole_between(builder, std::max<int64_t>(min, 0), max, builder.end()));
  if (min < 0) {
    arms.push_back(builder.byte('-', whole_between(builder, std::max<int64_t>(-max, 1), -min, builder.end())));
  }
  return builder.split(arms);
}

NodeId bounded_number(GrammarBuilder& builder, JsonRules& json, NumberBounds bounds) {
  const int64_t min = std::clamp(bounds.min.value_or(-kMostInteger), -kMostInteger, kMostInteger);
  const int64_t max = std::clamp(bounds.max.value_or(kMostInteger), -kMostInteger, kMostInteger);
  std::vector<NodeId> arms;
  if (max >= 0) {
    const bool above = min >= 0 && bounds.above_min;
    arms.push_back(number_between(builder, json, {std::max<int64_t>(min, 0), max, above, bounds.below_max}));
  }
  if (min < 0) {  // magnitudes the other way round, and no -0
    const bool above = max >= 0 || bounds.below_max;
    const NodeId magnitude = number_between(builder, json, {std::max<int64_t>(-max, 0), -min, above, bounds.above_min});
    arms.push_back(builder.byte('-', magnitude));
  }
  return builder.split(arms);
}

}  // namespace docmind::engine
