// Charsmaps made from lists of keys and replacements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace docmind::tokenizer::test {

// The bytes of a precompiled charsmap. Each node's children get a block of 256 units of their own,
// so that no place is taken twice: large, but the simplest array that is right.
inline std::string charsmap_of(const std::map<std::string, std::string>& replacements) {
  struct Node {
    std::map<uint8_t, size_t> children;
    int64_t value = -1;
  };
  std::vector<Node> nodes(1);
  std::string texts;
  for (const auto& [key, text] : replacements) {
    size_t node = 0;
    for (const char c : key) {
      const auto [place, added] = nodes[node].children.try_emplace(static_cast<uint8_t>(c), nodes.size());
      node = place->second;
      if (added) nodes.emplace_back();
    }
    nodes[node].value = static_cast<int64_t>(texts.size());
    texts += text + '\0';
  }
  // Node n's children are at block n + 1: unit 256 * (n + 1) ^ byte; its value is at byte 0 there. A
  // base is relative to the unit's own place.
  std::vector<uint32_t> units(256 * (nodes.size() + 1), 0);
  const auto base = [](size_t place, size_t block) {
    const auto offset = static_cast<uint32_t>(place ^ (256 * block));
    return (offset & 0xFF) == 0 ? ((offset >> 8) << 10 | 1u << 9) : offset << 10;
  };
  units[0] = base(0, 1);
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const auto& [byte, child] : nodes[n].children) {
      const size_t place = (256 * (n + 1)) ^ byte;
      units[place] = base(place, child + 1) | byte | (nodes[child].value >= 0 ? 1u << 8 : 0);
    }
    if (nodes[n].value >= 0) units[256 * (n + 1)] = static_cast<uint32_t>(nodes[n].value) | 1u << 31;
  }
  const auto n_bytes = static_cast<uint32_t>(4 * units.size());
  std::string bytes(reinterpret_cast<const char*>(&n_bytes), 4);
  bytes.append(reinterpret_cast<const char*>(units.data()), n_bytes);
  return bytes + (texts.empty() ? std::string(1, '\0') : texts);
}

}  // namespace docmind::tokenizer::test
