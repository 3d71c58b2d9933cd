// PlainKv: the KV cache types q8_0 and q4_0 of llama.cpp, applied to exact blocks: blocks of 32 values of a
// token's row with one scale, no rotation, keys and values alike (its block types, from the GGUF specification).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/half.h"
#include "kernels/kv_page.h"
#include "kv/sequence.h"

namespace docmind::bench {

// Rounds 32 values as a block of `bits` (8 or 4) would hold them.
inline void round_block(float* x, int bits) {
  float peak = 0;
  for (int i = 0; i < 32; ++i) {
    if (std::fabs(x[i]) > std::fabs(peak)) peak = x[i];
  }
  // q8_0: peak / 127, symmetric; q4_0: the peak becomes -8, codes from -8 to 7.
  const float exact = bits == 8 ? std::fabs(peak) / 127 : peak / -8;
  const float scale = kernels::half_to_float(kernels::float_to_half(exact));
  const float low = bits == 8 ? -127 : -8, high = bits == 8 ? 127 : 7;
  for (int i = 0; i < 32; ++i) {
    const float code = exact == 0 ? 0 : std::clamp(std::nearbyint(x[i] / exact), low, high);
    x[i] = code * scale;
  }
}

// For KvVariant::after_piece of an f16 variant: rounds the tokens that another format would have sealed by now
// (`residual` newest and the first page stay), or with `residual` < 0 all tokens.
inline std::function<void(const kv::Sequence&)> plain_kv(int bits, int64_t residual) {
  auto n_done = std::make_shared<int64_t>(0);
  return [bits, residual, n_done](const kv::Sequence& sequence) {
    const kv::Geometry& g = sequence.layout().geometry();
    const int64_t n = sequence.n_tokens();
    const int64_t begin_at = residual < 0 ? 0 : kernels::kKvPageTokens;
    if (n <= kernels::kKvPageTokens) *n_done = begin_at;  // a new text
    const int64_t end = residual < 0 ? n : n / kernels::kKvPageTokens * kernels::kKvPageTokens - residual;
    std::vector<float> row(static_cast<size_t>(g.n_kv_heads * g.head_dim));
    for (; *n_done < end; ++*n_done) {
      const int64_t t = *n_done;
      for (int64_t layer = 0; layer < g.n_layers; ++layer) {
        const kernels::KvView view = sequence.view(layer);
        for (const size_t offset : {view.k_offset, view.v_offset}) {
          const auto part = [&](int64_t head) {
            std::byte* block = const_cast<std::byte*>(view.blocks[t / kernels::kKvBlockTokens]);
            return reinterpret_cast<kernels::Half*>(block + static_cast<size_t>(head) * view.head_stride + offset) +
                   t % kernels::kKvBlockTokens * g.head_dim;
          };
          for (size_t i = 0; i < row.size(); ++i) {
            row[i] = kernels::half_to_float(part(static_cast<int64_t>(i) / g.head_dim)[static_cast<int64_t>(i) % g.head_dim]);
          }
          for (size_t i = 0; i + 32 <= row.size(); i += 32) round_block(row.data() + i, bits);
          for (size_t i = 0; i < row.size(); ++i) {
            part(static_cast<int64_t>(i) / g.head_dim)[static_cast<int64_t>(i) % g.head_dim] = kernels::float_to_half(row[i]);
          }
        }
      }
    }
  };
}

}  // namespace docmind::bench
