// Format: how sealed pages of the KV cache are stored, and the settings that go with it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::kv {

// Bits of keys and values in sealed pages: f16 never seals, k8v4 is 8 and 4, mixed chooses for each page
// and layer from 8, 4, 3 and 2.
enum class Format { kF16, kInt8, kInt4, kK8V4, kMixed };
[[nodiscard]] std::string_view format_name(Format format);  // "f16", "int8", "int4", "k8v4", "mixed"
// kInvalidArgument lists the names; for names of other programs (q8_0, q4_K_M, fp8) it says which of ours is meant.
[[nodiscard]] Result<Format> parse_format(std::string_view name);

struct FormatOptions {
  Format format = Format::kF16;
  // Tokens that share a scale of a channel of keys, 32 or 64; values share one over up to twice as many channels.
  int64_t group_size = 64;
  // Newest tokens that stay exact, a multiple of 64, at least 64.
  int64_t residual_tokens = 128;
  // Bits that a code may take on average in `mixed`, 2 to 8; scales come on top, as in the other formats.
  double mixed_bits = 3;
};

// How keys and values are kept, in a few characters: "f16", "int4/64/128", "mixed/64/128/3". Equal settings give equal
// text, others may not.
[[nodiscard]] std::string format_settings(const FormatOptions& options);

}  // namespace docmind::kv
