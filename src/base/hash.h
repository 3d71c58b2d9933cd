// Content hashes: SHA-256 for identity, xxHash64 for tables and feature hashing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace docmind {

using Digest = std::array<uint8_t, 32>;

// SHA-256 of `bytes` (FIPS 180-4, through OpenSSL).
[[nodiscard]] Digest sha256(std::string_view bytes);

// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(const Digest& digest);

// Builds a digest of several fields such that ("ab","c") and ("a","bc") differ: each field is
// preceded by its length. Order matters.
class FieldHasher {
 public:
  FieldHasher();
  ~FieldHasher();
  FieldHasher(const FieldHasher&) = delete;
  FieldHasher& operator=(const FieldHasher&) = delete;
  FieldHasher& add(std::string_view field);
  FieldHasher& add(int64_t value);
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// SHA-256 of bytes that come piece by piece.
class StreamHasher {
 public:
  StreamHasher();
  ~StreamHasher();
  StreamHasher(const StreamHasher&) = delete;
  StreamHasher& operator=(const StreamHasher&) = delete;
  void add(std::string_view bytes);
  // Of all that was added; the hasher begins anew.
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// XXH3 64-bit: fast, not for adversaries. Stable across runs and machines.
[[nodiscard]] uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

}  // namespace docmind
