// RequestIds: names for requests that appear in logs and headers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace docmind::server {

// Any thread.
class RequestIds {
 public:
  RequestIds();
  // The client's own if it has 1 to 64 of [A-Za-z0-9._:-], else a new one: 16 hexadecimal digits.
  [[nodiscard]] std::string choose(std::optional<std::string_view> sent);

 private:
  uint64_t seed_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace docmind::server
