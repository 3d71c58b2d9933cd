// Page router: chooses the bits of keys and values for each layer of a page in `mixed`, from what the page
// itself shows. Nothing is trained.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "kv/layout.h"
#include "kv/page_bits.h"

namespace docmind::kv {

inline constexpr std::array<int, 4> kPageBitChoices = {8, 4, 3, 2};

// Variance of the scores that coding the keys with so many bits would add, the mean over KV heads, in the order of
// kPageBitChoices. It depends on how strongly each channel is asked for (the energies) and how wide it is.
using KeyNoise = std::array<double, kPageBitChoices.size()>;

// `blocks` are the page's four; the energies are of 64 tokens with `n_queries` queries of a KV head each.
// `scratch` is grown to what it needs, once.
[[nodiscard]] KeyNoise measure_key_noise(const Layout& layout, const kernels::KernelTable& table,
                                         std::span<std::byte* const> blocks, int64_t layer, int64_t n_queries,
                                         std::vector<float>& scratch);

// The bits of a layer when `n_bytes` are left for it and the `n_after` layers behind it. At least 2 and 2 must fit
// everywhere, and will.
[[nodiscard]] PageBits route_page(const Layout& layout, const KeyNoise& noise, size_t n_bytes, int64_t n_after);

}  // namespace docmind::kv
