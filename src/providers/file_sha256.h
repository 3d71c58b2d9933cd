// SHA-256 of large files, and the record of it beside them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"

namespace docmind::providers {

// 64 lower-case hexadecimal digits.
[[nodiscard]] bool is_sha256(std::string_view text);

// Writes PATH.sha256, in the form of sha256sum(1).
Status record_sha256(const std::string& path, const std::string& sha256);
// What PATH.sha256 says; empty when there is none. kMalformed when it is damaged.
Result<std::string> recorded_sha256(const std::string& path);

// Reads the whole file; `progress` gets the bytes done and all. kCancelled.
Result<std::string> sha256_of_file(const std::string& path, const CancelToken& cancel,
                                   const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace docmind::providers
