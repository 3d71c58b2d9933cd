// SequenceState: energies of queries, and the sealing of pages, layer by layer.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>
#include <cstring>

#include "kv/sequence_state.h"

namespace docmind::kv {

using kernels::kKvBlockTokens;
using kernels::kKvPageBlocks;
using kernels::kKvPageTokens;
using kernels::KvPageLayer;

void SequenceState::add_query_energy(int64_t layer, int64_t head, int64_t token, const float* queries,
                                     int64_t n_queries) {
  const int64_t d = layout.geometry().head_dim;
  float* energy = layout.query_energy(block_of(token), layer, head);
  if (token % kKvBlockTokens == 0) std::fill_n(energy, d, 0.0f);
  for (int64_t i = 0; i < n_queries; ++i) {
    for (int64_t c = 0; c < d; ++c) energy[c] += queries[i * d + c] * queries[i * d + c];
  }
  n_queries_.store(n_queries, std::memory_order_relaxed);
}

// All energies of the last block, when it is not full.
std::span<float> SequenceState::open_energy() {
  if (saved_energy_.empty() || n_tokens() % kKvBlockTokens == 0) return {};
  return {layout.query_energy(block_of(n_tokens()), 0, 0), saved_energy_.size()};
}

void SequenceState::save_energy() {
  const std::span<float> energy = open_energy();
  std::ranges::copy(energy, saved_energy_.begin());
  energy_is_saved_ = !energy.empty();
}

// A pass that was given up has added its own.
void SequenceState::restore_energy() {
  if (!energy_is_saved_) return;
  std::ranges::copy(saved_energy_, open_energy().begin());
  energy_is_saved_ = false;
}

void SequenceState::prepare_seal(int64_t layer) {
  const kernels::KvPageShape& shape = layout.page_shape();
  for (DuePage& page : due) {
    std::byte* const data = page.slot.data();
    if (layer == 0) {
      page.next_offset = static_cast<uint32_t>(kernels::kv_page_header_bytes(layout.geometry().n_layers));
      std::fill_n(data, page.next_offset, std::byte{});
    }
    const PageBits bits = bits_of(page, layer);
    const KvPageLayer entry = {.offset = page.next_offset,
                               .key_bits = static_cast<uint8_t>(bits.key),
                               .value_bits = static_cast<uint8_t>(bits.value),
                               .reserved = 0};
    reinterpret_cast<KvPageLayer*>(data)[layer] = entry;
    page.next_offset += static_cast<uint32_t>(kernels::kv_layer_bytes(shape, bits.key, bits.value));
    std::fill_n(data + page.next_offset - kPadding, kPadding, std::byte{});
  }
}

PageBits SequenceState::bits_of(const DuePage& page, int64_t layer) {
  if (layout.options().format != Format::kMixed) return fixed_bits(layout.options().format);
  std::array<std::byte*, kKvPageBlocks> page_blocks{};
  for (int64_t i = 0; i < kKvPageBlocks; ++i) {
    page_blocks[static_cast<size_t>(i)] = block_of(page.page * kKvPageTokens + i * kKvBlockTokens);
  }
  const KeyNoise noise = measure_key_noise(layout, cache.table, page_blocks, layer,
                                           n_queries_.load(std::memory_order_relaxed), router_scratch_);
  return route_page(layout, noise, layout.page_bytes() - page.next_offset, layout.geometry().n_layers - 1 - layer);
}

void SequenceState::seal(int64_t layer, int64_t due_page, int64_t head_begin, int64_t head_end) {
  const DuePage& page = due[static_cast<size_t>(due_page)];
  const kernels::KvView view = layout.view(block_data.data(), nullptr, layer);
  kernels::KvSealJob job = {.k_offset = view.k_offset,
                            .v_offset = view.v_offset,
                            .head_stride = view.head_stride,
                            .shape = layout.page_shape(),
                            .page = page.slot.data(),
                            .layer = layer};
  std::copy_n(block_data.begin() + page.page * kKvPageBlocks, kKvPageBlocks, std::begin(job.blocks));
  cache.table.seal(job, head_begin, head_end);
}

void SequenceState::count_sealed(const DuePage& page) {
  ++cache.n_sealed_pages;
  if (layout.options().format != Format::kMixed) return;
  const Geometry& g = layout.geometry();
  const auto header = static_cast<size_t>(kernels::kv_page_header_bytes(g.n_layers));
  const auto least = static_cast<size_t>(g.n_layers * kernels::kv_layer_bytes(layout.page_shape(), 2, 2));
  const int64_t n_values = g.n_layers * 2 * g.n_kv_heads * g.head_dim * kKvPageTokens;
  cache.mixed_bits_sum += 2 + static_cast<double>(page.next_offset - header - least) * 8 / static_cast<double>(n_values);
}

}  // namespace docmind::kv
