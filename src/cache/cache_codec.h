// CacheCodec and add_to_key: values as bytes of a cache, arguments as parts of its keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/hash.h"

namespace docmind::cache {

// What a type is in a cache. Specialise it for own types with
//   static std::string encode(const T& value);
//   static std::optional<T> decode(std::string_view bytes);  // nullopt: damaged, computed again
template <typename T>
struct CacheCodec;

template <>
struct CacheCodec<std::string> {
  static std::string encode(const std::string& value) { return value; }
  static std::optional<std::string> decode(std::string_view bytes) { return std::string(bytes); }
};

template <typename T>
concept PlainNumber = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <PlainNumber T>
struct CacheCodec<T> {
  static std::string encode(const T& value) { return {reinterpret_cast<const char*>(&value), sizeof(T)}; }
  static std::optional<T> decode(std::string_view bytes) {
    if (bytes.size() != sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
};

// Numbers lie one after another; other elements follow their length, 8 bytes.
template <typename T>
struct CacheCodec<std::vector<T>> {
  static constexpr bool kFlat = PlainNumber<T> && !std::same_as<T, bool>;

  static std::string encode(const std::vector<T>& values) {
    if constexpr (kFlat) {
      return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
    } else {
      std::string bytes;
      for (const auto& value : values) {
        const std::string one = CacheCodec<T>::encode(value);
        bytes += CacheCodec<uint64_t>::encode(one.size());
        bytes += one;
      }
      return bytes;
    }
  }

  static std::optional<std::vector<T>> decode(std::string_view bytes) {
    std::vector<T> values;
    if constexpr (kFlat) {
      if (bytes.size() % sizeof(T) != 0) return std::nullopt;
      values.resize(bytes.size() / sizeof(T));
      if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    } else {
      while (!bytes.empty()) {
        const std::optional<uint64_t> length = CacheCodec<uint64_t>::decode(bytes.substr(0, sizeof(uint64_t)));
        if (!length || *length > bytes.size() - sizeof(uint64_t)) return std::nullopt;
        std::optional<T> value = CacheCodec<T>::decode(bytes.substr(sizeof(uint64_t), *length));
        if (!value) return std::nullopt;
        values.push_back(*std::move(value));
        bytes.remove_prefix(sizeof(uint64_t) + *length);
      }
    }
    return values;
  }
};

template <typename T>
inline constexpr bool kIsPair = false;
template <typename A, typename B>
inline constexpr bool kIsPair<std::pair<A, B>> = true;

// Puts an argument into a key, such that different ones give different keys: texts, numbers, pairs,
// optionals, ranges of them. For own types declare an overload beside the type. A CancelToken is no part
// of a key.
template <typename T>
void add_to_key(FieldHasher& key, const T& part) {
  if constexpr (std::same_as<T, CancelToken>) {
    return;
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    key.add(std::string_view(part));
  } else if constexpr (std::same_as<T, double> || std::same_as<T, float>) {
    key.add(std::bit_cast<int64_t>(static_cast<double>(part)));
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    key.add(static_cast<int64_t>(part));
  } else if constexpr (kIsPair<T>) {
    add_to_key(key, part.first);
    add_to_key(key, part.second);
  } else if constexpr (requires { part.has_value(); *part; }) {
    key.add(static_cast<int64_t>(part.has_value()));
    if (part.has_value()) add_to_key(key, *part);
  } else {
    static_assert(std::ranges::sized_range<const T>, "declare add_to_key(FieldHasher&, const T&) for this type");
    key.add(static_cast<int64_t>(std::ranges::size(part)));
    for (const auto& element : part) add_to_key(key, element);
  }
}

}  // namespace docmind::cache
