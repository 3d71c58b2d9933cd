// Names of split models: "x-00002-of-00003.gguf".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace docmind::gguf {

struct SplitName {
  std::string stem;    // "folder/x"
  uint32_t number = 1; // from 1
  uint32_t count = 1;

  // The path of the number-th file.
  [[nodiscard]] std::string path(uint32_t wanted) const;
};

// Empty when the path has not this form.
[[nodiscard]] std::optional<SplitName> parse_split_name(std::string_view path);

}  // namespace docmind::gguf
