// Scalar twins for sealed pages of the KV cache.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kv_page.h"

namespace docmind::kernels::ref {

void hadamard(float* x, int64_t n, int64_t block);
void seal(const KvSealJob& job, int64_t head_begin, int64_t head_end);

// Code `i` of codes that lie in units (kv_page.h); to be set, its bits must be zeros.
int kv_code(const std::byte* codes, int bits, int64_t i);
void set_kv_code(std::byte* codes, int bits, int64_t i, int code);
// A token's key and value as they were sealed, [head_dim]; `token` counts from the page's first.
void read_sealed_key(const KvPageShape& shape, const std::byte* page, int64_t layer, int64_t head, int64_t token,
                     float* key);
void read_sealed_value(const KvPageShape& shape, const std::byte* page, int64_t layer, int64_t head, int64_t token,
                       float* value);

}  // namespace docmind::kernels::ref
