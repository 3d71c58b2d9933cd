// Steps across the lanes of a vector, in the same order on every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernels/quantize_scale.h"

namespace docmind::kernels::simd {

// The sum (the largest) of each group of lanes, in all of its lanes.
template <class V>
V sums_of_groups(V x, int group) {
  alignas(64) float lanes[V::kLanes];
  x.store(lanes);
  for (int begin = 0; begin < V::kLanes; begin += group) {
    float sum = 0;
    for (int i = 0; i < group; ++i) sum += lanes[begin + i];
    std::fill(lanes + begin, lanes + begin + group, sum);
  }
  return V::load(lanes);
}

template <class V>
V tops_of_groups(V x, int group) {
  alignas(64) float lanes[V::kLanes];
  x.store(lanes);
  for (int begin = 0; begin < V::kLanes; begin += group) {
    const float top = *std::max_element(lanes + begin, lanes + begin + group);
    std::fill(lanes + begin, lanes + begin + group, top);
  }
  return V::load(lanes);
}

template <class V>
float sum_of_lanes(V x) {
  alignas(64) float lanes[V::kLanes];
  x.store(lanes);
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

// As blocks store them (stored_scale()), none beyond the largest.
template <class V>
V stored_scales(V x) {
  alignas(64) float lanes[V::kLanes];
  min(max(x, V::all(-kLargestScale)), V::all(kLargestScale)).store(lanes);
  for (float& lane : lanes) lane = stored_scale(lane);
  return V::load(lanes);
}

}  // namespace docmind::kernels::simd
