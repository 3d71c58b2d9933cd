// SealProblem: exact blocks and a page of two layers for them, as the KV cache would hold them.
//
// Blocks and page lie at the end of their memory: a step beyond it would crash. What sealing must not
// touch holds kUntouched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/edge_memory.h"
#include "kernels/half.h"
#include "kernels/kernels.h"
#include "kernels/ref/kv_page.h"

namespace docmind::test {

struct SealProblem {
  static constexpr std::byte kUntouched{0xa5};
  static constexpr int64_t kLayer = 1;  // the last of two

  kernels::KvPageShape shape;
  int key_bits, value_bits;
  std::vector<std::unique_ptr<EdgeMemory>> blocks;
  size_t page_bytes;
  EdgeMemory page;

  SealProblem(const kernels::KvPageShape& a_shape, int a_key_bits, int a_value_bits)
    : shape(a_shape), key_bits(a_key_bits), value_bits(a_value_bits),
      page_bytes(static_cast<size_t>(kernels::kv_page_header_bytes(2) +
                                     2 * kernels::kv_layer_bytes(a_shape, a_key_bits, a_value_bits))),
      page(page_bytes) {
    for (int64_t i = 0; i < kernels::kKvPageBlocks; ++i) {
      blocks.push_back(std::make_unique<EdgeMemory>(static_cast<size_t>(shape.n_kv_heads) * head_stride()));
    }
    clear_page();
  }

  void clear_page() {
    std::memset(page.as<std::byte>(), static_cast<int>(kUntouched), page_bytes);
    auto* layers = page.as<kernels::KvPageLayer>();
    for (int64_t i = 0; i < 2; ++i) {
      const int64_t offset =
          kernels::kv_page_header_bytes(2) + i * kernels::kv_layer_bytes(shape, key_bits, value_bits);
      layers[i] = {.offset = static_cast<uint32_t>(offset),
                   .key_bits = static_cast<uint8_t>(key_bits),
                   .value_bits = static_cast<uint8_t>(value_bits),
                   .reserved = 0};
    }
  }
  // Keys, then values, of a head in a block.
  [[nodiscard]] size_t part_bytes() const {
    return static_cast<size_t>(kernels::kKvBlockTokens * shape.head_dim) * sizeof(kernels::Half);
  }
  [[nodiscard]] size_t head_stride() const { return 2 * part_bytes(); }
  [[nodiscard]] kernels::Half* key(int64_t head, int64_t token) const { return row(head, token, 0); }
  [[nodiscard]] kernels::Half* value(int64_t head, int64_t token) const { return row(head, token, part_bytes()); }

  // Every key and every value from `next`, in an order that depends on the shape alone.
  void fill(const std::function<float()>& next) const {
    for (int64_t h = 0; h < shape.n_kv_heads; ++h) {
      for (int64_t t = 0; t < kernels::kKvPageTokens; ++t) {
        for (int64_t c = 0; c < shape.head_dim; ++c) {
          key(h, t)[c] = kernels::float_to_half(next());
          value(h, t)[c] = kernels::float_to_half(next());
        }
      }
    }
  }

  void seal(const kernels::KernelTable& table, int64_t head_begin, int64_t head_end) const {
    kernels::KvSealJob job;
    for (size_t i = 0; i < blocks.size(); ++i) job.blocks[i] = blocks[i]->as<std::byte>();
    job.k_offset = 0;
    job.v_offset = part_bytes();
    job.head_stride = head_stride();
    job.shape = shape;
    job.page = page.as<std::byte>();
    job.layer = kLayer;
    table.seal(job, head_begin, head_end);
  }
  void seal(const kernels::KernelTable& table) const { seal(table, 0, shape.n_kv_heads); }

  [[nodiscard]] std::vector<float> sealed_key(int64_t head, int64_t token) const {
    std::vector<float> out(static_cast<size_t>(shape.head_dim));
    kernels::ref::read_sealed_key(shape, page.as<std::byte>(), kLayer, head, token, out.data());
    return out;
  }
  [[nodiscard]] std::vector<float> sealed_value(int64_t head, int64_t token) const {
    std::vector<float> out(static_cast<size_t>(shape.head_dim));
    kernels::ref::read_sealed_value(shape, page.as<std::byte>(), kLayer, head, token, out.data());
    return out;
  }
  [[nodiscard]] kernels::KvHeadParts<const std::byte> parts(int64_t head) const {
    return kernels::kv_head_parts<const std::byte>(shape, page.as<std::byte>(), kLayer, head);
  }
  [[nodiscard]] std::vector<std::byte> page_copy() const {
    return {page.as<std::byte>(), page.as<std::byte>() + page_bytes};
  }

 private:
  kernels::Half* row(int64_t head, int64_t token, size_t offset) const {
    std::byte* block = blocks[static_cast<size_t>(token / kernels::kKvBlockTokens)]->as<std::byte>();
    std::byte* part = block + static_cast<size_t>(head) * head_stride() + offset;
    return reinterpret_cast<kernels::Half*>(part) + token % kernels::kKvBlockTokens * shape.head_dim;
  }
};

inline constexpr int kSealBits[] = {8, 4, 3, 2};

// Widths that are vectors and that are not, scales of values that span heads and parts of heads.
inline const std::vector<kernels::KvPageShape>& seal_shapes() {
  static const std::vector<kernels::KvPageShape> all = {
      {.n_kv_heads = 4, .head_dim = 8, .key_group = 64, .value_group = 32},
      {.n_kv_heads = 1, .head_dim = 20, .key_group = 32, .value_group = 20},
      {.n_kv_heads = 2, .head_dim = 16, .key_group = 32, .value_group = 16},
      {.n_kv_heads = 8, .head_dim = 32, .key_group = 64, .value_group = 128},
      {.n_kv_heads = 3, .head_dim = 64, .key_group = 64, .value_group = 64},
      {.n_kv_heads = 1, .head_dim = 80, .key_group = 32, .value_group = 80},
      {.n_kv_heads = 1, .head_dim = 80, .key_group = 64, .value_group = 40},
      {.n_kv_heads = 2, .head_dim = 96, .key_group = 32, .value_group = 48},
      {.n_kv_heads = 2, .head_dim = 128, .key_group = 64, .value_group = 128},
      {.n_kv_heads = 1, .head_dim = 256, .key_group = 64, .value_group = 128},
      {.n_kv_heads = 1, .head_dim = 256, .key_group = 32, .value_group = 256},
  };
  return all;
}

inline std::string shape_name(const kernels::KvPageShape& s) {
  return std::to_string(s.n_kv_heads) + " x " + std::to_string(s.head_dim) + ", groups of " +
         std::to_string(s.key_group) + " tokens and " + std::to_string(s.value_group) + " channels";
}

// Tests of every instruction set.
class SealTest : public testing::TestWithParam<kernels::Isa> {
 protected:
  std::function<float()> normal(float mean, float spread) {
    return [this, mean, spread] { return mean + spread * distribution(generator); };
  }
  // f(problem) for all shapes and bits, filled with normal values.
  void for_all(const std::function<void(SealProblem&)>& f) {
    for (const kernels::KvPageShape& shape : seal_shapes()) {
      for (const int bits : kSealBits) {
        SealProblem problem(shape, bits, bits == 8 ? 4 : bits == 4 ? 8 : 5 - bits);
        problem.fill(normal(0, 1));
        SCOPED_TRACE(shape_name(shape) + ", bits " + std::to_string(problem.key_bits) + " and " +
                     std::to_string(problem.value_bits));
        f(problem);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }

  const kernels::KernelTable& table = *kernels::kernel_table(GetParam()).value();
  const kernels::KernelTable& scalar = *kernels::kernel_table(kernels::Isa::kScalar).value();
  std::mt19937 generator{23};
  std::normal_distribution<float> distribution;
};

}  // namespace docmind::test
