// Page check: layer by layer.
// SPDX-License-Identifier: Apache-2.0
#include "kv/page_check.h"

#include <algorithm>
#include <cstring>

#include "kv/page_bits.h"
#include "kv/page_router.h"

namespace docmind::kv {
namespace {

using kernels::KvPageLayer;

KvPageLayer layer_at(const std::byte* page, int64_t layer) {
  KvPageLayer entry;
  std::memcpy(&entry, page + layer * static_cast<int64_t>(sizeof(entry)), sizeof(entry));
  return entry;
}

size_t entry_bytes(const Layout& layout, const KvPageLayer& entry) {
  return static_cast<size_t>(kernels::kv_layer_bytes(layout.page_shape(), entry.key_bits, entry.value_bits));
}

bool may_have(const Layout& layout, const KvPageLayer& entry) {
  const auto is_choice = [](int bits) { return std::ranges::find(kPageBitChoices, bits) != kPageBitChoices.end(); };
  if (layout.options().format == Format::kMixed) return is_choice(entry.key_bits) && is_choice(entry.value_bits);
  return PageBits{entry.key_bits, entry.value_bits} == fixed_bits(layout.options().format);
}

}  // namespace

size_t used_page_bytes(const Layout& layout, const std::byte* page) {
  const KvPageLayer last = layer_at(page, layout.geometry().n_layers - 1);
  return last.offset + entry_bytes(layout, last);
}

bool is_page(const Layout& layout, std::span<const std::byte> bytes) {
  const int64_t n_layers = layout.geometry().n_layers;
  size_t at = static_cast<size_t>(kernels::kv_page_header_bytes(n_layers));
  if (bytes.size() < at || bytes.size() > layout.page_bytes()) return false;
  for (int64_t layer = 0; layer < n_layers; ++layer) {
    const KvPageLayer entry = layer_at(bytes.data(), layer);
    if (entry.offset != at || entry.reserved != 0 || !may_have(layout, entry)) return false;
    at += entry_bytes(layout, entry);
    if (at > bytes.size()) return false;
  }
  return at == bytes.size();
}

}  // namespace docmind::kv
