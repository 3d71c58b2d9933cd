// What /metrics says: our own names, and those of other servers for boards that exist.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/controller.h"
#include "monitor/metrics.h"
#include "pipeline/service_sample.h"
#include "server/metric_families.h"

namespace docmind::server {

// docmind_*: stages, counters, memory, KV, caches, batches, queues, setpoints, the HTTP server, GPUs.
void add_own_metrics(MetricFamilies& to, const pipeline::ServiceSample& sample, const monitor::Metrics& metrics,
                     const control::Setpoints& setpoints, std::string_view version);
// vllm:* and llamacpp:* as far as we know their values; nothing without a language model.
void add_alias_metrics(MetricFamilies& to, const pipeline::ServiceSample& sample, const monitor::Metrics& metrics,
                       const std::string& model_name);

}  // namespace docmind::server
