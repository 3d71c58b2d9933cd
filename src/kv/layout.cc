// Layout: the byte arithmetic of a KV cache.
// SPDX-License-Identifier: Apache-2.0
#include "kv/layout.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "kv/page_bits.h"

namespace docmind::kv {
namespace {

using kernels::kKvBlockTokens;
using kernels::kKvPageBlocks;
using kernels::kKvPageTokens;

constexpr int64_t kMaxRotation = 256;
// Of layers, heads: far beyond any model, so that products stay far from overflow.
constexpr int64_t kMaxCount = 1 << 16;
// Values of few channels share their scale with other heads until it covers so many.
constexpr int64_t kLeastValueGroup = 32;

size_t padded(size_t n) { return (n + 63) / 64 * 64; }

Status check_geometry(const Geometry& g) {
  const auto fits = [](int64_t n, int64_t most) { return n >= 1 && n <= most; };
  if (fits(g.n_layers, kMaxCount) && fits(g.n_kv_heads, kMaxCount) && fits(g.head_dim, kernels::kMaxHeadDim)) {
    return {};
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("a KV cache of {} layers with {} heads of {} channels is not supported (up to {} are)",
                           g.n_layers, g.n_kv_heads, g.head_dim, kernels::kMaxHeadDim)};
}

Status check_options(const FormatOptions& options) {
  const auto refuse = [](std::string message) { return Error{ErrorCode::kInvalidArgument, std::move(message)}; };
  if (options.group_size != 32 && options.group_size != 64) {
    return refuse(fmt::format("the KV group size {} is neither 32 nor 64", options.group_size));
  }
  const int64_t residual = options.residual_tokens;
  if (residual < kKvPageTokens || residual % kKvPageTokens != 0 || residual > kMaxCount * kKvPageTokens) {
    return refuse(fmt::format("{} exact newest tokens are no multiple of {} from {} on", residual, kKvPageTokens,
                              kKvPageTokens));
  }
  if (options.format == Format::kMixed && !(options.mixed_bits >= 2 && options.mixed_bits <= 8)) {
    return refuse(fmt::format("{} bits for a code of 'mixed' are not between 2 and 8", options.mixed_bits));
  }
  return {};
}

// Channels of values that share a scale.
Result<int64_t> value_group(const Geometry& g, int64_t group_size) {
  const int64_t base = 2 * group_size;
  if (g.head_dim >= kLeastValueGroup && g.head_dim <= base) return g.head_dim;
  if (g.head_dim < kLeastValueGroup) {
    int64_t heads = kLeastValueGroup / g.head_dim;
    while (g.n_kv_heads % heads != 0) --heads;
    return heads * g.head_dim;
  }
  if (g.head_dim % base == 0) return base;
  if (g.head_dim <= kernels::kMaxValueGroup) return g.head_dim;
  return Error{ErrorCode::kUnsupported,
               fmt::format("heads of {} channels, more than {} and no multiple of {}, can be kept only as f16",
                           g.head_dim, kernels::kMaxValueGroup, base)};
}

int64_t largest_rotation(int64_t head_dim) {
  int64_t block = 1;
  while (block < kMaxRotation && head_dim % (2 * block) == 0) block *= 2;
  return block;
}

// Bytes of all layers of a page; of `mixed` what its target allows.
size_t layers_bytes(const Geometry& g, const FormatOptions& options, const kernels::KvPageShape& shape) {
  if (options.format != Format::kMixed) {
    const PageBits bits = fixed_bits(options.format);
    return static_cast<size_t>(g.n_layers * kernels::kv_layer_bytes(shape, bits.key, bits.value));
  }
  // What two bits everywhere take, scales included, and the codes' bits beyond two.
  const int64_t least = g.n_layers * kernels::kv_layer_bytes(shape, 2, 2);
  const auto n_values = static_cast<double>(g.n_layers * 2 * g.n_kv_heads * g.head_dim * kKvPageTokens);
  return static_cast<size_t>(least) + (static_cast<size_t>(n_values * (options.mixed_bits - 2) / 8) + 63) / 64 * 64;
}

}  // namespace

Result<Layout> Layout::create(const Geometry& geometry, const FormatOptions& options) {
  DM_TRY(check_geometry(geometry));
  DM_TRY(check_options(options));
  Layout layout;
  layout.geometry_ = geometry;
  layout.options_ = options;
  layout.page_shape_ = {.n_kv_heads = geometry.n_kv_heads,
                        .head_dim = geometry.head_dim,
                        .key_group = options.group_size,
                        .value_group = geometry.head_dim};
  const auto n_heads = static_cast<size_t>(geometry.n_layers * geometry.n_kv_heads);
  const auto head_dim = static_cast<size_t>(geometry.head_dim);
  layout.part_bytes_ = static_cast<size_t>(kKvBlockTokens) * head_dim * sizeof(kernels::Half);
  layout.block_bytes_ = n_heads * 2 * layout.part_bytes_;
  if (layout.has_query_energy()) layout.block_bytes_ += n_heads * head_dim * sizeof(float);
  layout.block_bytes_ = padded(layout.block_bytes_);
  if (!layout.seals()) return layout;

  if (geometry.head_dim % 4 != 0) {
    return Error{ErrorCode::kUnsupported, fmt::format("heads of {} channels, no multiple of 4, can be kept only as f16",
                                                      geometry.head_dim)};
  }
  DM_ASSIGN(layout.page_shape_.value_group, value_group(geometry, options.group_size));
  layout.rotation_block_ = largest_rotation(geometry.head_dim);
  const auto header = static_cast<size_t>(kernels::kv_page_header_bytes(geometry.n_layers));
  const size_t bytes = layers_bytes(geometry, options, layout.page_shape_);
  if (header + bytes > std::numeric_limits<uint32_t>::max()) {
    return Error{ErrorCode::kUnsupported, fmt::format("pages of {} bytes are too large", header + bytes)};
  }
  layout.page_bytes_ = header + bytes;
  return layout;
}

size_t Layout::sequence_bytes(int64_t n_tokens) const {
  const int64_t n_sealed = n_tokens > 0 ? sealed_pages(n_tokens - 1) - 1 : 0;
  const int64_t n_blocks = (n_tokens + kKvBlockTokens - 1) / kKvBlockTokens - n_sealed * kKvPageBlocks;
  return static_cast<size_t>(n_blocks) * block_bytes_ + static_cast<size_t>(n_sealed) * page_bytes_;
}

double Layout::bytes_per_token() const {
  if (seals()) return static_cast<double>(page_bytes_) / kKvPageTokens;
  return static_cast<double>(block_bytes_) / kKvBlockTokens;
}

int64_t Layout::sealed_pages(int64_t n_tokens) const {
  if (!seals()) return 1;
  return std::max<int64_t>(1, (n_tokens - options_.residual_tokens) / kKvPageTokens);
}

kernels::Half* Layout::keys(std::byte* block, int64_t layer, int64_t head, int64_t token) const {
  const auto part = static_cast<size_t>((layer * geometry_.n_kv_heads + head) * 2);
  return reinterpret_cast<kernels::Half*>(block + part * part_bytes_) + token * geometry_.head_dim;
}

kernels::Half* Layout::values(std::byte* block, int64_t layer, int64_t head, int64_t token) const {
  return keys(block + part_bytes_, layer, head, token);
}

float* Layout::query_energy(std::byte* block, int64_t layer, int64_t head) const {
  const auto n_parts = static_cast<size_t>(geometry_.n_layers * geometry_.n_kv_heads * 2);
  return reinterpret_cast<float*>(block + n_parts * part_bytes_) +
         (layer * geometry_.n_kv_heads + head) * geometry_.head_dim;
}

kernels::KvView Layout::view(const std::byte* const* blocks, const std::byte* const* pages, int64_t layer) const {
  const size_t first = static_cast<size_t>(layer * geometry_.n_kv_heads * 2) * part_bytes_;
  return {.blocks = blocks,
          .k_offset = first,
          .v_offset = first + part_bytes_,
          .head_stride = 2 * part_bytes_,
          .pages = seals() ? pages : nullptr,
          .layer = layer,
          .residual = options_.residual_tokens,
          .shape = page_shape_};
}

}  // namespace docmind::kv
