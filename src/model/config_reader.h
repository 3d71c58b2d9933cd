// ConfigReader: the numbers of a model's metadata, each checked against its range.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "gguf/file.h"

namespace docmind::model {

// Keys are given without the architecture: "block_count" reads "qwen3.block_count". kMalformed names
// file, key, value and the allowed range. The file is borrowed.
class ConfigReader {
 public:
  explicit ConfigReader(const gguf::File& file) : file_(file), prefix_(std::string(file.architecture()) + ".") {}

  [[nodiscard]] bool has(std::string_view key) const { return file_.find(full(key)) != nullptr; }
  [[nodiscard]] Result<int64_t> integer(std::string_view key, int64_t smallest, int64_t largest) const;
  [[nodiscard]] Result<double> real(std::string_view key, double smallest, double largest) const;
  [[nodiscard]] Result<std::string_view> text_or(std::string_view key, std::string_view otherwise) const;
  [[nodiscard]] Result<bool> boolean_or(std::string_view key, bool otherwise) const;
  // `otherwise` is not checked.
  [[nodiscard]] Result<int64_t> integer_or(std::string_view key, int64_t otherwise, int64_t smallest,
                                           int64_t largest) const;
  [[nodiscard]] Result<double> real_or(std::string_view key, double otherwise, double smallest, double largest) const;

  // An error that begins with the file's name.
  [[nodiscard]] Error error(ErrorCode code, std::string_view sentence) const;
  // "qwen3.block_count"
  [[nodiscard]] std::string full(std::string_view key) const { return prefix_ + std::string(key); }

 private:
  const gguf::File& file_;
  std::string prefix_;
};

}  // namespace docmind::model
