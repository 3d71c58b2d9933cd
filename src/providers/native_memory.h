// check_model_memory: whether a model may be loaded for a measurement.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace docmind::providers {

// kLimit names the file, what it takes and what there is; a limit of 0 allows everything.
[[nodiscard]] Status check_model_memory(const std::string& path, size_t needed_bytes, size_t limit_bytes);

}  // namespace docmind::providers
