// Vectors as JSON and as base64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

namespace docmind::server {

// "[0.1,-2e-05]": the shortest digits that give the same float again. The values are finite.
void append_vector(std::string& out, std::span<const float> vector);
// Their bytes, little-endian IEEE 754 single precision, in base64 (RFC 4648, with padding).
[[nodiscard]] std::string base64_of(std::span<const float> vector);

}  // namespace docmind::server
