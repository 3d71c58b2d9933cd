// What the engine's tests share: values of Results, the sample model, small random ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/error.h"

namespace docmind::engine {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

// A small language model that was trained (TinyStories), where the checkout has it; else empty.
inline std::string stories_path() {
  const std::string path = std::string(DOCMIND_SOURCE_DIR) + "/../shared/data/models/stories260K.gguf";
  return std::filesystem::exists(path) ? path : std::string();
}

}  // namespace docmind::engine
