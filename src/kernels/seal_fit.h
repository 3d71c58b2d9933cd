// How sealing fits codes to values, for every instruction set alike: where a range is cut, and how often
// the fit is repeated.
//
// With few codes the ends of a range are too rare to span it all. A first fit covers the middle part of the
// range, then the codes and the line through them are improved in turn (Lloyd 1982, with equal steps): each
// least squares line for given codes, and each nearest codes for a given line, can only lower the error.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace docmind::kernels {

// Internal linkage, as files compiled for different instruction sets use them.
namespace {  // NOLINT(build/namespaces)

// The share of the range between the lowest and the highest of 32 or 64 tokens that the codes span at
// first. With two refits the error is flat around these, for normal and for long-tailed channels.
constexpr float key_span(int bits) {
  return bits == 2 ? 0.7f : bits == 3 ? 0.87f : bits == 4 ? 0.95f : 1.0f;
}
// The same for the values of a token, of its largest magnitude. Best for 64 to 128 channels: the more there
// are, the rarer is the largest.
constexpr float value_span(int bits) {
  return bits == 2 ? 0.57f : bits == 3 ? 0.75f : bits == 4 ? 0.9f : 1.0f;
}
// 8 bits span the whole range: nothing is left to be gained.
constexpr int refits(int bits) { return bits == 8 ? 0 : 2; }

constexpr float most_code(int bits) { return static_cast<float>((1 << bits) - 1); }

// Scales and minima stay finite as Half; infinite keys and values count as this, and NaN as 0.
constexpr float kLargestHalf = 65504.0f;

}  // namespace

}  // namespace docmind::kernels
