// ConfigReader: the numbers of a model's metadata, each checked against its range.
// SPDX-License-Identifier: Apache-2.0
#include "model/config_reader.h"

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::model {

Error ConfigReader::error(ErrorCode code, std::string_view sentence) const {
  return Error{code, fmt::format("'{}': {}", printable(file_.path()), sentence)};
}

Result<int64_t> ConfigReader::integer(std::string_view key, int64_t smallest, int64_t largest) const {
  if (!has(key)) return error(ErrorCode::kMalformed, fmt::format("the metadata has no '{}'", printable(full(key))));
  return integer_or(key, 0, smallest, largest);
}

Result<int64_t> ConfigReader::integer_or(std::string_view key, int64_t otherwise, int64_t smallest,
                                         int64_t largest) const {
  if (!has(key)) return otherwise;
  DM_ASSIGN(const int64_t value, file_.integer(full(key)));
  if (value >= smallest && value <= largest) return value;
  return error(ErrorCode::kMalformed, fmt::format("'{}' is {}; it must be from {} to {}", printable(full(key)), value,
                                                  smallest, largest));
}

Result<double> ConfigReader::real(std::string_view key, double smallest, double largest) const {
  if (!has(key)) return error(ErrorCode::kMalformed, fmt::format("the metadata has no '{}'", printable(full(key))));
  return real_or(key, 0, smallest, largest);
}

Result<double> ConfigReader::real_or(std::string_view key, double otherwise, double smallest, double largest) const {
  if (!has(key)) return otherwise;
  DM_ASSIGN(const double value, file_.real(full(key)));
  if (value >= smallest && value <= largest) return value;
  return error(ErrorCode::kMalformed, fmt::format("'{}' is {}; it must be from {} to {}", printable(full(key)), value,
                                                  smallest, largest));
}

Result<std::string_view> ConfigReader::text_or(std::string_view key, std::string_view otherwise) const {
  return file_.text_or(full(key), otherwise);
}

Result<bool> ConfigReader::boolean_or(std::string_view key, bool otherwise) const {
  return file_.boolean_or(full(key), otherwise);
}

}  // namespace docmind::model
