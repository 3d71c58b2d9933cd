// TextRequest: a prompt that waits for its turn, and what decides when that is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "engine/generation.h"
#include "kv/format.h"

namespace docmind::engine {

using SteadyTime = std::chrono::steady_clock::time_point;
[[nodiscard]] inline double ms_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// Somebody waits for each word; somebody waits; nobody waits.
enum class Priority : uint8_t { kInteractive, kNormal, kBackground };
inline constexpr int kNPriorities = 3;
[[nodiscard]] std::string_view priority_name(Priority priority);  // "interactive"

struct TextRequest {
  std::vector<TokenId> prompt;
  GenerateOptions options;
  Priority priority = Priority::kNormal;
  // After it the text ends where it is (FinishReason::kDeadline); a request that still waits costs nothing.
  std::optional<SteadyTime> deadline = {};
  // Whose request it is: within a priority, tenants take turns.
  std::string tenant = {};
  CancelToken cancel = {};
  // How its keys and values are kept, whatever SchedulerSetpoints says; no format that takes more than the configured.
  std::optional<kv::Format> kv_format = {};
  // Called on the scheduler's thread whenever the stream has something new, for readers that do not want to
  // wait in a thread of their own; returns at once and calls nothing of the model.
  std::function<void()> on_ready = {};
};

// What a request is checked against.
struct TextLimits {
  int64_t n_vocab = 0;
  int64_t n_context = 0;
};
// kInvalidArgument names the value that is wrong; kLimit both numbers when the prompt leaves no room in the
// context.
[[nodiscard]] Status check(const TextRequest& request, const TextLimits& limits);

}  // namespace docmind::engine
