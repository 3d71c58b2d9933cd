// Typed access to the metadata: scalars in range, arrays of the wanted kind.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include <fmt/format.h>

#include "base/text.h"
#include "gguf/format.h"

namespace docmind::gguf {
namespace {

struct ValueTypeInfo {
  std::string_view name;
  size_t n_bytes;
};

// By number.
constexpr std::array<ValueTypeInfo, 13> kValueTypes = {{{"u8", 1},
                                                        {"i8", 1},
                                                        {"u16", 2},
                                                        {"i16", 2},
                                                        {"u32", 4},
                                                        {"i32", 4},
                                                        {"f32", 4},
                                                        {"bool", 1},
                                                        {"string", 0},
                                                        {"array", 0},
                                                        {"u64", 8},
                                                        {"i64", 8},
                                                        {"f64", 8}}};

// Calls `call` with the number at `bytes` in its own type; false when the type is no number.
template <typename Call>
bool visit_number(ValueType type, std::span<const std::byte> bytes, Call&& call) {
  switch (type) {
    case ValueType::kU8: call(load<uint8_t>(bytes)); return true;
    case ValueType::kI8: call(load<int8_t>(bytes)); return true;
    case ValueType::kU16: call(load<uint16_t>(bytes)); return true;
    case ValueType::kI16: call(load<int16_t>(bytes)); return true;
    case ValueType::kU32: call(load<uint32_t>(bytes)); return true;
    case ValueType::kI32: call(load<int32_t>(bytes)); return true;
    case ValueType::kF32: call(load<float>(bytes)); return true;
    case ValueType::kBool: call(load<uint8_t>(bytes)); return true;
    case ValueType::kU64: call(load<uint64_t>(bytes)); return true;
    case ValueType::kI64: call(load<int64_t>(bytes)); return true;
    case ValueType::kF64: call(load<double>(bytes)); return true;
    case ValueType::kString:
    case ValueType::kArray: return false;
  }
  return false;
}

bool is_integer(ValueType type) {
  return scalar_bytes(type) != 0 && type != ValueType::kF32 && type != ValueType::kF64;
}

bool is_real(ValueType type) { return type == ValueType::kF32 || type == ValueType::kF64; }

// `type` must be an integer or bool; empty when the value does not fit.
template <typename Integer>
std::optional<Integer> integer_of(ValueType type, std::span<const std::byte> bytes) {
  std::optional<Integer> result;
  visit_number(type, bytes, [&](auto number) {
    if constexpr (std::is_integral_v<decltype(number)>) {
      if (std::in_range<Integer>(number)) result = static_cast<Integer>(number);
    }
  });
  return result;
}

Error wrong_element(std::string_view wanted, ValueType found) {
  return Error{ErrorCode::kMalformed, fmt::format("the array holds elements of the type {}, not {}",
                                                  value_type_name(found), wanted)};
}

}  // namespace

std::string_view value_type_name(ValueType type) {
  const auto number = static_cast<size_t>(type);
  return number < kValueTypes.size() ? kValueTypes[number].name : std::string_view();
}

size_t scalar_bytes(ValueType type) {
  const auto number = static_cast<size_t>(type);
  return number < kValueTypes.size() ? kValueTypes[number].n_bytes : 0;
}

Result<std::vector<std::string_view>> ArrayView::strings() const {
  if (element != ValueType::kString) return wrong_element("string", element);
  std::vector<std::string_view> texts;
  texts.reserve(n);
  for (auto rest = bytes; texts.size() < n;) {
    const auto length = load<uint64_t>(rest);
    texts.push_back(as_text(rest.subspan(sizeof(length), length)));
    rest = rest.subspan(sizeof(length) + length);
  }
  return texts;
}

Result<std::vector<float>> ArrayView::floats() const {
  if (!is_real(element)) return wrong_element("f32", element);
  std::vector<float> values;
  values.reserve(n);
  for (uint64_t i = 0; i < n; ++i) {
    visit_number(element, bytes.subspan(i * scalar_bytes(element)),
                 [&](auto number) { values.push_back(static_cast<float>(number)); });
  }
  return values;
}

Result<std::vector<int32_t>> ArrayView::integers() const {
  if (!is_integer(element)) return wrong_element("an integer", element);
  std::vector<int32_t> values;
  values.reserve(n);
  for (uint64_t i = 0; i < n; ++i) {
    const auto value = integer_of<int32_t>(element, bytes.subspan(i * scalar_bytes(element)));
    if (!value) {
      return Error{ErrorCode::kMalformed, fmt::format("element {} of the array does not fit 32 bits", i)};
    }
    values.push_back(*value);
  }
  return values;
}

namespace {

Error bad_value(const File& file, const MetadataEntry& entry, std::string_view wanted) {
  return Error{ErrorCode::kMalformed,
               fmt::format("'{}': '{}' has the type {}, not {}", printable(file.path()), printable(entry.key),
                           value_type_name(entry.type), wanted)};
}

Error missing_key(const File& file, std::string_view key) {
  return Error{ErrorCode::kNotFound,
               fmt::format("'{}' has no metadata key '{}'", printable(file.path()), printable(key))};
}

Result<int64_t> integer_in(const File& file, const MetadataEntry& entry) {
  if (!is_integer(entry.type) || entry.type == ValueType::kBool) return bad_value(file, entry, "an integer");
  const auto value = integer_of<int64_t>(entry.type, entry.bytes);
  if (value) return *value;
  return Error{ErrorCode::kMalformed,
               fmt::format("'{}': '{}' is {}, which does not fit a signed 64-bit number",
                           printable(file.path()), printable(entry.key), load<uint64_t>(entry.bytes))};
}

Result<double> real_in(const File& file, const MetadataEntry& entry) {
  if (entry.type == ValueType::kBool) return bad_value(file, entry, "a number");
  double value = 0;
  if (!visit_number(entry.type, entry.bytes, [&](auto number) { value = static_cast<double>(number); })) {
    return bad_value(file, entry, "a number");
  }
  if (std::isfinite(value)) return value;
  return Error{ErrorCode::kMalformed, fmt::format("'{}': '{}' is {}, not a finite number",
                                                  printable(file.path()), printable(entry.key), value)};
}

}  // namespace

Result<int64_t> File::integer(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return missing_key(*this, key);
  return integer_in(*this, *entry);
}

Result<int64_t> File::integer_or(std::string_view key, int64_t value) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return value;
  return integer_in(*this, *entry);
}

Result<double> File::real(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return missing_key(*this, key);
  return real_in(*this, *entry);
}

Result<double> File::real_or(std::string_view key, double value) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return value;
  return real_in(*this, *entry);
}

Result<bool> File::boolean_or(std::string_view key, bool value) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return value;
  if (entry->type != ValueType::kBool) return bad_value(*this, *entry, "bool");
  return entry->bytes[0] != std::byte{0};
}

Result<std::string_view> File::text(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return missing_key(*this, key);
  if (entry->type != ValueType::kString) return bad_value(*this, *entry, "string");
  return as_text(entry->bytes);
}

Result<std::string_view> File::text_or(std::string_view key, std::string_view value) const {
  if (find(key) == nullptr) return value;
  return text(key);
}

Result<ArrayView> File::array(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return missing_key(*this, key);
  if (entry->type != ValueType::kArray) return bad_value(*this, *entry, "array");
  return entry->array;
}

}  // namespace docmind::gguf
