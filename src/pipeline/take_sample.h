// take_sample: measures a service, and says what the controller is to know of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/controller.h"
#include "monitor/window.h"
#include "pipeline/collection_map.h"
#include "pipeline/service.h"
#include "pipeline/service_sample.h"
#include "pipeline/worker_queue.h"

namespace docmind::pipeline {

// What a sample is taken of; borrowed.
struct SampleSources {
  const ServiceOptions* options = nullptr;
  const monitor::Metrics* metrics = nullptr;
  const CollectionMap* collections = nullptr;
  const WorkerQueue* workers = nullptr;
};

// About a millisecond.
[[nodiscard]] ServiceSample take_sample(const SampleSources& sources, json::object server);

// Of two samples and the window between now and a minute ago.
[[nodiscard]] control::ControlInput control_input(const ServiceSample& now, const monitor::WindowedMetrics& window,
                                                  const ServiceOptions& options);

}  // namespace docmind::pipeline
