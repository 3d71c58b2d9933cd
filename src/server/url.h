// Request targets: percent-decoding and the parts of what stands behind the method.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace docmind::server {

enum class PlusIs { kPlus, kSpace };

// Nothing when an escape is broken, or the result holds NUL or is not UTF-8.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, PlusIs plus = PlusIs::kPlus);

struct RequestTarget {
  std::string authority;  // of the absolute form; empty otherwise
  std::string path;       // percent-decoded, begins with '/'; "*" for OPTIONS *
  std::string query;      // as sent, without '?'
};

// The origin form ("/path?query"), the absolute form ("http://host/path") and "*" (RFC 9112, 3.2). kMalformed for
// all else, and for paths with broken escapes, NUL, invalid UTF-8 or the segments "." and "..".
Result<RequestTarget> parse_target(std::string_view target);

}  // namespace docmind::server
