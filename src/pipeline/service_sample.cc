// ServiceSample: what was measured of a service at one moment; control, statistics and trends are made of it.
// SPDX-License-Identifier: Apache-2.0
#include "pipeline/service_sample.h"

#include <algorithm>

namespace docmind::pipeline {

int64_t ServiceSample::server_count(std::string_view name) const {
  const json::value* value = server.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

int64_t ServiceSample::kv_used_bytes() const {
  return text ? static_cast<int64_t>(text->kv.referenced_bytes + text->kv.held_bytes) : 0;
}

int64_t ServiceSample::answer_memory_bytes() const {
  const auto memory = std::find_if(answer_tiers.begin(), answer_tiers.end(),
                                   [](const cache::TierStats& tier) { return tier.name == "memory"; });
  return memory != answer_tiers.end() ? memory->size_bytes : 0;
}

int64_t ServiceSample::n_queued() const {
  return static_cast<int64_t>(workers.n_waiting) + (text ? text->n_queued + text->n_suspended : 0);
}

int64_t ServiceSample::n_running() const {
  // A question that generates is counted as one of the texts and as one of the workers' works.
  return std::max(static_cast<int64_t>(workers.n_running), text ? text->n_running : 0);
}

}  // namespace docmind::pipeline
