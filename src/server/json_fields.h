// JsonFields: reads the fields of a request's object, with types and ranges checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/status_map.h"

namespace docmind::server {

struct BodyLimits {
  size_t max_depth = 32;
  size_t max_bytes = 64u << 20;
};

// A body that must be one JSON object. An ApiError (400) names what is wrong.
[[nodiscard]] std::optional<json::object> parse_body(std::string_view body, ApiError& error,
                                                     const BodyLimits& limits = {});

// Unknown fields are ignored; null is as good as absent. The first field of a wrong type or out of range
// makes error() say so, with its name, value and what is allowed; everything read later is the default.
class JsonFields {
 public:
  // `prefix` names the object in errors: "messages[2]." Borrows the object.
  explicit JsonFields(const json::object& object, std::string prefix = {})
      : object_(object), prefix_(std::move(prefix)) {}

  [[nodiscard]] std::optional<std::string> text(std::string_view name, size_t max_bytes = SIZE_MAX);
  [[nodiscard]] std::string required_text(std::string_view name, size_t max_bytes = SIZE_MAX);
  // A number without a fraction (3.0 is one).
  [[nodiscard]] std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);
  [[nodiscard]] std::optional<double> real(std::string_view name, double min, double max);
  [[nodiscard]] std::optional<bool> boolean(std::string_view name);
  // One text or a list of texts.
  [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view name, size_t max_items);
  // Null when absent.
  [[nodiscard]] const json::object* object(std::string_view name);
  [[nodiscard]] const json::array* array(std::string_view name, size_t max_items);
  [[nodiscard]] const json::value* any(std::string_view name);

  // The caller's own verdict on a field; kept only if it is the first.
  void fail(std::string_view name, std::string_view sentence);
  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] const std::optional<ApiError>& error() const { return error_; }
  // Takes over an inner object's error.
  void adopt(const JsonFields& inner);

 private:
  const json::object& object_;
  std::string prefix_;
  std::optional<ApiError> error_;
};

}  // namespace docmind::server
