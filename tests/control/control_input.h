// Inputs of the controller for tests: a calm moment of a server with a budget of 12 GiB.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "control/controller.h"

namespace docmind::control {

inline constexpr int64_t kGiB = int64_t{1} << 30;
inline constexpr int64_t kMiB = int64_t{1} << 20;

inline ControlInput calm_input(int64_t now_ms, double memory_share) {
  ControlInput in;
  in.now_ms = now_ms;
  in.unix_ms = 1'700'000'000'000 + now_ms;
  in.memory_budget_bytes = 12 * kGiB;
  in.memory_used_bytes = static_cast<int64_t>(memory_share * 12 * kGiB);
  in.kv_budget_bytes = 8 * kGiB;
  return in;
}

inline Controller make_controller(const ControlOptions& options = {}) {
  Result<Controller> controller = Controller::create(options);
  if (!controller.ok()) throw std::runtime_error(controller.error().message);
  return std::move(controller).value();
}

inline const Decision* decision_of(const std::vector<Decision>& decisions, std::string_view setting) {
  for (const Decision& decision : decisions) {
    if (decision.setting == setting) return &decision;
  }
  return nullptr;
}

}  // namespace docmind::control
