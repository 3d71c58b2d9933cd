// PageBits: the bits of keys and values in one layer of a sealed page.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kv/format.h"

namespace docmind::kv {

struct PageBits {
  int key = 0;
  int value = 0;
  bool operator==(const PageBits&) const = default;
};

// Of a format in which all pages are alike; zeros for the others.
constexpr PageBits fixed_bits(Format format) {
  switch (format) {
    case Format::kInt8: return {8, 8};
    case Format::kInt4: return {4, 4};
    case Format::kK8V4: return {8, 4};
    case Format::kF16:
    case Format::kMixed: break;
  }
  return {};
}

}  // namespace docmind::kv
