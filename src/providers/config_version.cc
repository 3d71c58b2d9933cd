// Versions of providers.
// SPDX-License-Identifier: Apache-2.0
#include "providers/config_version.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/text.h"

namespace docmind::providers {
namespace {

// Up to three numbers with dots between them; what follows (".post1", "rc2") tells nothing that is needed here.
std::optional<std::array<int64_t, 3>> version_numbers(std::string_view text) {
  std::array<int64_t, 3> numbers{};
  if (text.starts_with('v') || text.starts_with('b')) text.remove_prefix(1);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc() || numbers[i] < 0) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!text.starts_with('.') || text.size() < 2 || !is_digit(text[1])) break;
    text.remove_prefix(1);
  }
  return numbers;
}

}  // namespace

Result<ProviderVersion> ProviderVersion::parse(control::PlanProvider provider, std::string_view text) {
  ProviderVersion version;
  if (text.empty()) return version;
  const bool builds = provider == control::PlanProvider::kLlamaCpp;
  const std::string_view digits = text.starts_with('b') ? text.substr(1) : text;
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || c == '.' || c == '-' || c == '+';
  });
  const bool right_form = builds ? !digits.empty() && docmind::is_number(digits)
                                 : text.find('.') != std::string_view::npos && !text.starts_with('b');
  const std::optional<std::array<int64_t, 3>> numbers = version_numbers(text);
  if (!plain || !right_form || !numbers || text.size() > 40) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is not a version of {}; write one like '{}'", ellipsize(printable(text), 40),
                             provider_title(provider), builds ? "b10256" : "0.20.0")};
  }
  version.known_ = true;
  version.numbers_ = *numbers;
  version.text_ = builds ? fmt::format("b{}", digits) : std::string(text);
  return version;
}

bool ProviderVersion::has(std::string_view first) const {
  if (!known_) return true;
  const std::optional<std::array<int64_t, 3>> wanted = version_numbers(first);
  return wanted && numbers_ >= *wanted;
}

std::string_view provider_title(control::PlanProvider provider) {
  switch (provider) {
    case control::PlanProvider::kNative: return "the native engine";
    case control::PlanProvider::kLlamaCpp: return "llama.cpp";
    case control::PlanProvider::kOllama: return "Ollama";
    case control::PlanProvider::kVllm: return "vLLM";
  }
  return "?";
}

}  // namespace docmind::providers
