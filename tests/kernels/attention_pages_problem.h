// PagesProblem: an AttentionProblem some of whose tokens are sealed in pages as well, or only there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/attention_problem.h"
#include "kernels/edge_memory.h"
#include "kernels/half.h"
#include "kernels/kv_page.h"
#include "kernels/ref/kv_page.h"

namespace docmind::test {

enum class Held { kExact, kBoth, kSealed };

struct PageFormat {
  int key_bits = 8, value_bits = 8;
  int64_t key_group = 64, value_group = 64, residual = 128;
};

class PagesProblem {
 public:
  static constexpr int64_t kLayer = 1;  // the last of two

  PagesProblem(const AttentionShape& shape, const PageFormat& a_format, uint32_t seed)
    : problem(shape, seed), job(problem.job), format(a_format), n_pages_(shape.n_keys / kernels::kKvPageTokens),
      all_blocks_(job.kv.blocks, job.kv.blocks + (shape.n_keys + kKvBlockTokens - 1) / kKvBlockTokens) {
    job.kv.blocks = all_blocks_.data();  // key() and value() find exact tokens however they are held
    page_shape_ = {.n_kv_heads = shape.n_kv_heads, .head_dim = shape.head_dim, .key_group = format.key_group,
                   .value_group = format.value_group};
    pages_.resize(static_cast<size_t>(n_pages_));
  }

  [[nodiscard]] int64_t n_pages() const { return n_pages_; }

  // One channel of all keys as much larger as it is in real models.
  void add_outliers(int64_t channel, float factor) {
    for (int64_t h = 0; h < job.n_kv_heads; ++h) {
      for (int64_t t = 0; t < job.n_keys; ++t) {
        Half* key = problem.key(h, t) + channel;
        *key = kernels::float_to_half(factor * kernels::half_to_float(*key));
      }
    }
  }

  // Seals all whole pages and holds each as `held(page)` says.
  template <class F>
  void hold(F held) {
    held_.clear();
    for (int64_t page = 0; page < n_pages_; ++page) held_.push_back(held(page));
    for (int64_t page = 0; page < n_pages_; ++page) seal(page);
    view();
  }
  void seal(int64_t page) {
    const auto at = static_cast<size_t>(page);
    const int64_t header = kernels::kv_page_header_bytes(2);
    const int64_t layer_bytes = kernels::kv_layer_bytes(page_shape_, format.key_bits, format.value_bits);
    if (pages_[at] == nullptr) pages_[at] = std::make_unique<EdgeMemory>(static_cast<size_t>(header + layer_bytes));
    auto* layers = pages_[at]->as<kernels::KvPageLayer>();
    layers[kLayer] = {.offset = static_cast<uint32_t>(header), .key_bits = static_cast<uint8_t>(format.key_bits),
                      .value_bits = static_cast<uint8_t>(format.value_bits), .reserved = 0};
    kernels::KvSealJob seal_job{.k_offset = job.kv.k_offset, .v_offset = job.kv.v_offset,
                                .head_stride = job.kv.head_stride, .shape = page_shape_,
                                .page = pages_[at]->as<std::byte>(), .layer = kLayer};
    for (int64_t i = 0; i < kernels::kKvPageBlocks; ++i) {
      seal_job.blocks[i] = all_blocks_[static_cast<size_t>(page * kernels::kKvPageBlocks + i)];
    }
    kernels::ref::seal(seal_job, 0, job.n_kv_heads);
  }

  // Whether a query reads a token sealed (attention.h).
  [[nodiscard]] bool reads_sealed(int64_t query, int64_t token) const {
    const int64_t page = token / kernels::kKvPageTokens;
    if (page >= n_pages_ || held_[static_cast<size_t>(page)] == Held::kExact) return false;
    if (held_[static_cast<size_t>(page)] == Held::kSealed) return true;
    const int64_t own = (problem.visible(query) - 1) / kernels::kKvPageTokens;
    return (page + 1) * kernels::kKvPageTokens + format.residual <= own * kernels::kKvPageTokens;
  }
  [[nodiscard]] const kernels::KvPageShape& page_shape() const { return page_shape_; }
  [[nodiscard]] const std::byte* page(int64_t page) const { return pages_[static_cast<size_t>(page)]->as<std::byte>(); }

  AttentionProblem problem;
  AttentionJob& job;
  PageFormat format;

 private:
  // What a call sees: no block of a token that is only sealed, no page of one that is exact.
  void view() {
    seen_blocks_ = all_blocks_;
    const int64_t n_begun = (job.n_keys + kernels::kKvPageTokens - 1) / kernels::kKvPageTokens;
    seen_pages_.assign(static_cast<size_t>(n_begun), nullptr);
    for (int64_t page = 0; page < n_pages_; ++page) {
      const Held held = held_[static_cast<size_t>(page)];
      if (held != Held::kExact) seen_pages_[static_cast<size_t>(page)] = this->page(page);
      if (held != Held::kSealed) continue;
      std::fill_n(seen_blocks_.begin() + page * kernels::kKvPageBlocks, kernels::kKvPageBlocks, nullptr);
    }
  }

  int64_t n_pages_;
  std::vector<const std::byte*> all_blocks_, seen_blocks_, seen_pages_;
  std::vector<std::unique_ptr<EdgeMemory>> pages_;
  std::vector<Held> held_;
  kernels::KvPageShape page_shape_;

 public:
  // Runs some queries of all heads, or of one, over what is held.
  void run(const kernels::KernelTable& table, int64_t begin, int64_t end) {
    for (int64_t h = 0; h < job.n_kv_heads; ++h) run(table, h, begin, end);
  }
  void run(const kernels::KernelTable& table, int64_t kv_head, int64_t begin, int64_t end) {
    const auto exact = job.kv;
    job.kv.blocks = seen_blocks_.data();
    job.kv.pages = seen_pages_.data();
    job.kv.layer = kLayer;
    job.kv.residual = format.residual;
    job.kv.shape = page_shape_;
    problem.run(table, kv_head, begin, end);
    job.kv = exact;
  }
};

}  // namespace docmind::test
