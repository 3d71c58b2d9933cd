// SchedulerQueue: the texts that wait, and which of them is next.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler_queue.h"

#include <algorithm>
#include <tuple>

namespace docmind::engine {
namespace {

constexpr size_t kMaxTenants = 1'024;  // whose turns are remembered

}  // namespace

int64_t SchedulerQueue::level(const ScheduledText& text, SteadyTime now) const {
  const auto wanted = static_cast<int64_t>(text.request.priority);
  const double waited = ms_between(text.waiting_since, now);
  if (waited <= 0 || ageing_ms_ <= 0) return wanted;
  const double raised = std::min(waited / ageing_ms_, static_cast<double>(kNPriorities));
  return std::max<int64_t>(0, wanted - static_cast<int64_t>(raised));
}

int64_t SchedulerQueue::last_turn(const std::string& tenant) const {
  const auto found = turns_.find(tenant);
  return found == turns_.end() ? 0 : found->second;
}

bool SchedulerQueue::sooner(const ScheduledText& a, const ScheduledText& b, SteadyTime now) const {
  const auto key = [&](const ScheduledText& text) {
    const bool returns = text.admission >= 0;
    return std::tuple(level(text, now), !returns, returns ? text.admission : last_turn(text.request.tenant), text.id);
  };
  return key(a) < key(b);
}

ScheduledText* SchedulerQueue::front(SteadyTime now) const {
  ScheduledText* first = nullptr;
  for (const std::unique_ptr<ScheduledText>& text : waiting_) {
    if (text->may_begin() && (first == nullptr || sooner(*text, *first, now))) first = text.get();
  }
  return first;
}

std::unique_ptr<ScheduledText> SchedulerQueue::pop(const ScheduledText* text) {
  const auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) { return one.get() == text; });
  std::unique_ptr<ScheduledText> taken = std::move(*at);
  waiting_.erase(at);
  if (taken->admission < 0) {
    turns_[taken->request.tenant] = ++n_turns_;
    forget_idle_tenants();
  }
  return taken;
}

int64_t SchedulerQueue::n_returning() const {
  return std::count_if(waiting_.begin(), waiting_.end(), [](const auto& text) { return text->admission >= 0; });
}

void SchedulerQueue::forget_idle_tenants() {
  if (turns_.size() <= kMaxTenants) return;
  std::erase_if(turns_, [&](const auto& turn) {
    return std::none_of(waiting_.begin(), waiting_.end(),
                        [&](const auto& text) { return text->request.tenant == turn.first; });
  });
}

}  // namespace docmind::engine
