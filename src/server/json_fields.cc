// JsonFields: reads the fields of a request's object, with types and ranges checked.
// SPDX-License-Identifier: Apache-2.0
#include "server/json_fields.h"

#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace docmind::server {
namespace {

constexpr size_t kMaxShownBytes = 60;

// A value as an error shows it.
std::string field_shown(const json::value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (const json::string* text = value.if_string(); text != nullptr && text->size() > kMaxShownBytes) {
    return fmt::format("a text of {} bytes", text->size());
  }
  return json::serialize(value);
}

std::string field_shown(double number) {
  return number == std::floor(number) && std::abs(number) < 1e15 ? fmt::format("{:.0f}", number)
                                                                 : fmt::format("{}", number);
}

}  // namespace

std::optional<json::object> parse_body(std::string_view body, ApiError& error, const BodyLimits& limits) {
  if (trim(body).empty()) {
    error = {.status = 400, .message = "the request has no body; it must be a JSON object",
             .type = "invalid_request_error"};
    return std::nullopt;
  }
  Result<json::value> value = parse_json(body, limits.max_depth, limits.max_bytes);
  if (!value.ok()) {
    error = {.status = 400, .message = fmt::format("the request's body: {}", value.error().message),
             .type = "invalid_request_error", .code = "invalid_json"};
    return std::nullopt;
  }
  if (!value->is_object()) {
    error = {.status = 400,
             .message = fmt::format("the request's body must be a JSON object, not {}", field_shown(*value)),
             .type = "invalid_request_error"};
    return std::nullopt;
  }
  return std::move(value->get_object());
}

const json::value* JsonFields::any(std::string_view name) {
  if (error_) return nullptr;
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string> JsonFields::text(std::string_view name, size_t max_bytes) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  const json::string* text = value->if_string();
  if (text == nullptr) {
    fail(name, fmt::format("must be a text, not {}", field_shown(*value)));
    return std::nullopt;
  }
  if (text->size() > max_bytes) {
    fail(name, fmt::format("has {} bytes; at most {} are allowed", text->size(), max_bytes));
    return std::nullopt;
  }
  return std::string(text->data(), text->size());
}

std::string JsonFields::required_text(std::string_view name, size_t max_bytes) {
  std::optional<std::string> value = text(name, max_bytes);
  if (!value) {
    fail(name, "is missing; it must be a text");  // kept only if nothing was wrong before
    return {};
  }
  return *std::move(value);
}

std::optional<double> JsonFields::real(std::string_view name, double min, double max) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    fail(name, fmt::format("must be a number, not {}", field_shown(*value)));
    return std::nullopt;
  }
  const double number = value->to_number<double>();
  if (!(number >= min && number <= max)) {
    fail(name,
         fmt::format("is {}; it must be between {} and {}", field_shown(*value), field_shown(min), field_shown(max)));
    return std::nullopt;
  }
  return number;
}

std::optional<int64_t> JsonFields::integer(std::string_view name, int64_t min, int64_t max) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    fail(name, fmt::format("must be a whole number, not {}", field_shown(*value)));
    return std::nullopt;
  }
  json::error_code failure;
  const int64_t number = value->to_number<int64_t>(failure);  // fails on fractions and on what does not fit
  if (failure && value->is_double() && value->get_double() != std::floor(value->get_double())) {
    fail(name, fmt::format("is {}; it must be a whole number", field_shown(*value)));
    return std::nullopt;
  }
  if (failure || number < min || number > max) {
    fail(name, fmt::format("is {}; it must be between {} and {}", field_shown(*value), min, max));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> JsonFields::boolean(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (const bool* flag = value->if_bool()) return *flag;
  fail(name, fmt::format("must be true or false, not {}", field_shown(*value)));
  return std::nullopt;
}

std::optional<std::vector<std::string>> JsonFields::texts(std::string_view name, size_t max_items) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (const json::string* one = value->if_string())
    return std::vector<std::string>{std::string(one->data(), one->size())};
  const json::array* list = value->if_array();
  if (list == nullptr) {
    fail(name, fmt::format("must be a text or a list of texts, not {}", field_shown(*value)));
    return std::nullopt;
  }
  if (list->size() > max_items) {
    fail(name, fmt::format("has {} items; at most {} are allowed", list->size(), max_items));
    return std::nullopt;
  }
  std::vector<std::string> all;
  all.reserve(list->size());
  for (size_t i = 0; i < list->size(); ++i) {
    const json::string* item = (*list)[i].if_string();
    if (item == nullptr) {
      fail(fmt::format("{}[{}]", name, i), fmt::format("must be a text, not {}", field_shown((*list)[i])));
      return std::nullopt;
    }
    all.emplace_back(item->data(), item->size());
  }
  return all;
}

const json::object* JsonFields::object(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) return nullptr;
  if (const json::object* object = value->if_object()) return object;
  fail(name, fmt::format("must be an object, not {}", field_shown(*value)));
  return nullptr;
}

const json::array* JsonFields::array(std::string_view name, size_t max_items) {
  const json::value* value = any(name);
  if (value == nullptr) return nullptr;
  const json::array* array = value->if_array();
  if (array == nullptr) {
    fail(name, fmt::format("must be a list, not {}", field_shown(*value)));
    return nullptr;
  }
  if (array->size() > max_items) {
    fail(name, fmt::format("has {} items; at most {} are allowed", array->size(), max_items));
    return nullptr;
  }
  return array;
}

void JsonFields::fail(std::string_view name, std::string_view sentence) {
  if (error_) return;
  const std::string field = prefix_ + std::string(name);
  error_ = ApiError{.status = 400, .message = fmt::format("{} {}", field, sentence),
                    .type = "invalid_request_error", .param = field};
}

void JsonFields::adopt(const JsonFields& inner) {
  if (!error_ && inner.error_) error_ = inner.error_;
}

}  // namespace docmind::server
