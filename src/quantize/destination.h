// Checks of a place that a file is to be written to, before any work.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace docmind::quantize {

// kInvalidArgument: the destination is (a part of) the source, is no regular file, or exists without `overwrite`.
[[nodiscard]] Status check_destination(const std::string& source, const std::string& destination, bool overwrite);
// kIo names both sizes when the destination's file system has no room for `n_bytes` more.
[[nodiscard]] Status check_room(const std::string& destination, size_t n_bytes);

}  // namespace docmind::quantize
