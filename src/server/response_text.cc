// What responses are made of: ids, times, JSON strings.
// SPDX-License-Identifier: Apache-2.0
#include "server/response_text.h"

#include <chrono>
#include <ctime>
#include <random>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/json.h"

namespace docmind::server {
namespace {

std::mt19937_64& generator_of_thread() {
  thread_local std::mt19937_64 generator{(uint64_t{std::random_device{}()} << 32) ^ std::random_device{}()};
  return generator;
}

}  // namespace

std::string new_id(std::string_view prefix) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr size_t kLength = 24;
  std::string id(prefix);
  std::uniform_int_distribution<size_t> letter(0, kLetters.size() - 1);
  for (size_t i = 0; i < kLength; ++i) id += kLetters[letter(generator_of_thread())];
  return id;
}

uint64_t random_seed() { return generator_of_thread()(); }

void append_json_string(std::string& out, std::string_view text) {
  // Pieces of text are short; most have nothing to escape.
  bool plain = true;
  for (const char c : text) plain = plain && static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  if (plain) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += json::serialize(json::string(text));
  }
}

int64_t unix_time_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string rfc3339(int64_t unix_us) {
  const auto seconds = static_cast<std::time_t>(unix_us / 1'000'000);
  std::tm time{};
  gmtime_r(&seconds, &time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", time, unix_us % 1'000'000);
}

}  // namespace docmind::server
