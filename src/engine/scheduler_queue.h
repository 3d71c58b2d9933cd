// SchedulerQueue: the texts that wait, and which of them is next.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/scheduled_text.h"

namespace docmind::engine {

// The order: priority, where long waiting raises it; those that were running before; tenants in turn; arrival.
// Of the scheduler's thread.
class SchedulerQueue {
 public:
  explicit SchedulerQueue(double ageing_ms) : ageing_ms_(ageing_ms) {}

  void push(std::unique_ptr<ScheduledText> text) { waiting_.push_back(std::move(text)); }
  // The next one that may begin; null when there is none.
  [[nodiscard]] ScheduledText* front(SteadyTime now) const;
  // Takes `text` out; it is its tenant's turn that is used.
  [[nodiscard]] std::unique_ptr<ScheduledText> pop(const ScheduledText* text);
  // Takes those out for which the predicate holds, in order of arrival.
  template <typename Dead>
  [[nodiscard]] std::vector<std::unique_ptr<ScheduledText>> take_if(const Dead& dead) {
    std::vector<std::unique_ptr<ScheduledText>> taken;
    for (std::unique_ptr<ScheduledText>& text : waiting_) {
      if (dead(*text)) taken.push_back(std::move(text));
    }
    std::erase(waiting_, nullptr);
    return taken;
  }

  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] size_t size() const { return waiting_.size(); }
  // Of them, those that were running before.
  [[nodiscard]] int64_t n_returning() const;

 private:
  [[nodiscard]] bool sooner(const ScheduledText& a, const ScheduledText& b, SteadyTime now) const;
  [[nodiscard]] int64_t level(const ScheduledText& text, SteadyTime now) const;
  [[nodiscard]] int64_t last_turn(const std::string& tenant) const;
  void forget_idle_tenants();

  double ageing_ms_;
  std::vector<std::unique_ptr<ScheduledText>> waiting_;
  std::map<std::string, int64_t> turns_;  // when each tenant was last served
  int64_t n_turns_ = 0;
};

}  // namespace docmind::engine
