// Versions of providers: what they accept depends on them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/planner.h"

namespace docmind::providers {

// "0.14.0", "v0.14" or "0.6.6.post1" of vLLM and Ollama, "b10256" or "10256" of llama.cpp. An unknown version counts
// as the current one: newer than all others.
class ProviderVersion {
 public:
  ProviderVersion() = default;
  // kInvalidArgument says what the provider's versions look like. Empty text is the unknown version.
  [[nodiscard]] static Result<ProviderVersion> parse(control::PlanProvider provider, std::string_view text);

  [[nodiscard]] bool known() const { return known_; }
  // `first` as a person would write it: "0.20.0", "b10256".
  [[nodiscard]] bool has(std::string_view first) const;
  // "0.14.0", "b10256"; "the current version".
  [[nodiscard]] std::string name() const { return known_ ? text_ : "the current version"; }

 private:
  bool known_ = false;
  std::array<int64_t, 3> numbers_{};  // a build number stands alone in the first
  std::string text_;
};

// "Ollama", "llama.cpp", "vLLM"; "the native engine".
[[nodiscard]] std::string_view provider_title(control::PlanProvider provider);

}  // namespace docmind::providers
