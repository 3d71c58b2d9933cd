// RequestIds: names for requests that appear in logs and headers.
// SPDX-License-Identifier: Apache-2.0
#include "server/request_ids.h"

#include <algorithm>
#include <random>

#include "base/ascii.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxSentIdBytes = 64;

bool is_decent_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxSentIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == ':';
  });
}

// SplitMix64's output function (Steele, Lea, Flood 2014): one-to-one, so no two counts give the same.
uint64_t mix_bits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

RequestIds::RequestIds() {
  std::random_device random;
  seed_ = (static_cast<uint64_t>(random()) << 32) ^ random();
}

std::string RequestIds::choose(std::optional<std::string_view> sent) {
  if (sent && is_decent_id(*sent)) return std::string(*sent);
  uint64_t bits = mix_bits(seed_ + next_.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15ULL);
  std::string id(16, '0');
  for (auto digit = id.rbegin(); digit != id.rend(); ++digit, bits >>= 4) *digit = "0123456789abcdef"[bits & 15];
  return id;
}

}  // namespace docmind::server
