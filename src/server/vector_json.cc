// Vectors as JSON and as base64.
// SPDX-License-Identifier: Apache-2.0
#include "server/vector_json.h"

#include <bit>
#include <cstdint>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace docmind::server {

void append_vector(std::string& out, std::span<const float> vector) {
  out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    fmt::format_to(std::back_inserter(out), "{}", vector[i]);
  }
  out += ']';
}

std::string base64_of(std::span<const float> vector) {
  std::vector<unsigned char> bytes;
  bytes.reserve(vector.size() * sizeof(float));
  for (const float value : vector) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<unsigned char>(bits >> shift));
  }
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP ends with a NUL
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(n));
  return text;
}

}  // namespace docmind::server
