// The rules of the controller, one a file: each moves its own settings and gives the cause in words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/controller.h"

namespace docmind::control {

// One input with what every rule derives from it.
struct Moment {
  const ControlInput& in;  // within range, see clean()
  const ControlOptions& options;
  double memory = 0;  // share of the budget used; 0 where there is no budget
  double demand = 0;  // requests: answered and refused in the window, waiting, running
};

// The input with counts and sizes that are at least 0 and numbers that are finite.
[[nodiscard]] ControlInput clean(const ControlInput& input);
[[nodiscard]] Moment moment_of(const ControlInput& input, const ControlOptions& options);

// What a text's keys and values take, as a share of what they take as f16 (the bounds that the formats
// keep on long sequences, with the newest tokens and the scales counted).
[[nodiscard]] double kv_share(KvFormat format);

// Each returns the cause if it moved something, nullopt if it did not.
std::optional<std::string> move_level(const Moment& moment, RuleStates& states, Setpoints& now);
std::optional<std::string> move_batches(const Moment& moment, RuleStates& states, Setpoints& now);
std::optional<std::string> move_cache(const Moment& moment, RuleStates& states, Setpoints& now);
std::optional<std::string> move_admission(const Moment& moment, RuleStates& states, Setpoints& now);
std::optional<std::string> move_work(const Moment& moment, RuleStates& states, Setpoints& now);

// One decision for each setting that differs, with its expected effect.
[[nodiscard]] std::vector<Decision> differences(const Setpoints& before, const Setpoints& after,
                                                const std::string& cause, int64_t unix_ms);

// "memory budget is 92% used (11.0 of 12.0 GiB)"
[[nodiscard]] std::string memory_words(const ControlInput& input);
// "11.0 of 12.0 GiB": both in the unit of the second.
[[nodiscard]] std::string bytes_of_bytes(int64_t part, int64_t whole);
[[nodiscard]] std::string percent(double share);  // "92%"

}  // namespace docmind::control
