// Charsmap: walking the double array.
// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/charsmap.h"

#include <cstring>

#include <fmt/format.h>

#include "tokenizer/unicode.h"

namespace docmind::tokenizer {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// A unit of the array: bits 0 to 7 are the byte that leads to the node (with bit 31, which no node
// on the way has), bit 8 says that a key ends here, bits 10 to 30 are the base, times 256 with bit 9.
// The unit of a value is the value.
constexpr uint32_t base_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
constexpr uint32_t label_of(uint32_t unit) { return unit & ((1u << 31) | 0xFF); }
constexpr bool ends_key(uint32_t unit) { return (unit >> 8 & 1) != 0; }
constexpr uint32_t value_of(uint32_t unit) { return unit & ~(1u << 31); }

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes) {
  Charsmap map;
  if (!bytes.empty()) {
    uint32_t n_array = 0;
    if (bytes.size() >= sizeof(n_array)) std::memcpy(&n_array, bytes.data(), sizeof(n_array));
    if (bytes.size() < sizeof(n_array) || n_array % 4 != 0 || n_array >= bytes.size() - sizeof(n_array)) {
      return Error{ErrorCode::kMalformed,
                   fmt::format("tokenizer: the precompiled charsmap has {} bytes, of which {} should be its array",
                               bytes.size(), n_array)};
    }
    if (bytes.back() != '\0') {
      return Error{ErrorCode::kMalformed,
                   "tokenizer: the last replacement of the precompiled charsmap does not end with a NUL byte"};
    }
    map.units_.resize(n_array / 4);
    if (n_array > 0) std::memcpy(map.units_.data(), bytes.data() + sizeof(n_array), n_array);
    map.replacements_ = bytes.substr(sizeof(n_array) + n_array);
  }
  map.find_plain_ascii();
  return map;
}

Charsmap::Match Charsmap::match(std::string_view text) const {
  Match best;
  if (units_.empty()) return best;
  size_t node = base_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
    const bool key = ends_key(units_[node]);
    node ^= base_of(units_[node]);
    if (node >= units_.size()) break;
    if (key) best = {i + 1, value_of(units_[node])};
  }
  return best;
}

Charsmap::Piece Charsmap::longest(std::string_view text) const {
  const Match found = match(text);
  if (found.n_bytes > 0 && found.value < replacements_.size()) {
    return {std::string_view(replacements_.data() + found.value), found.n_bytes};
  }
  const CodePoint c = code_point_at(text, 0);
  const std::string_view same = text.substr(0, c.n_bytes);
  return {c.value == 0xFFFD ? kReplacementCharacter : same, c.n_bytes};
}

void Charsmap::find_plain_ascii() {
  for (int first = 0; first < 128; ++first) {
    char text[2] = {static_cast<char>(first), 0};
    bool plain = match({text, 1}).n_bytes == 0;
    for (int second = 1; plain && second < 128; ++second) {
      text[1] = static_cast<char>(second);
      plain = match({text, 2}).n_bytes == 0;
    }
    alone_[static_cast<size_t>(first)] = plain;
  }
}

}  // namespace docmind::tokenizer
