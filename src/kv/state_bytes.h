// What state files hold of blocks and of sequences, for their writers and readers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "kv/layout.h"

namespace docmind::kv {

// kSummary of a sequence.
struct SequenceSummary {
  int64_t n_tokens = 0;
  int64_t n_blocks = 0;
  int64_t n_pages = 0;
  int64_t n_shared = 0;
  int64_t n_queries = 0;
};
static_assert(sizeof(SequenceSummary) == 40);

// kNode: then its tokens, its exact block and its page, those that it has.
struct NodeStart {
  int64_t parent;  // record among the nodes, -1 for the beginning of a text
  uint32_t n_tokens;
  uint32_t has_exact : 1;
  uint32_t has_page : 1;
  uint32_t reserved : 30;
};
static_assert(sizeof(NodeStart) == 16);

template <typename T>
std::span<const std::byte> as_part(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

// Takes values from the beginning of bytes.
class ByteTaker {
 public:
  explicit ByteTaker(std::span<const std::byte> bytes) : left_(bytes) {}
  // False, and nothing is taken, when there are fewer.
  template <typename T>
  bool take(T& value) {
    if (left_.size() < sizeof(T)) return false;
    std::memcpy(&value, left_.data(), sizeof(T));
    left_ = left_.subspan(sizeof(T));
    return true;
  }
  bool take(size_t n, std::span<const std::byte>& part) {
    if (left_.size() < n) return false;
    part = left_.first(n);
    left_ = left_.subspan(n);
    return true;
  }
  [[nodiscard]] std::span<const std::byte> left() const { return left_; }

 private:
  std::span<const std::byte> left_;
};

// Of a block whose first `n_tokens` count; `copy` serves where others must not show.
[[nodiscard]] std::span<const std::byte> block_part(const Layout& layout, std::byte* block, int64_t n_tokens,
                                                    std::vector<std::byte>& copy);

inline Error damaged_file(const std::string& path, std::string_view what) {
  return Error{ErrorCode::kMalformed, fmt::format("the KV file '{}' is damaged: {}", printable(path), what)};
}

}  // namespace docmind::kv
