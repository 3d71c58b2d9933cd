// The series of the trends, and their values of one moment.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/json.h"
#include "monitor/gpu.h"
#include "monitor/trend.h"
#include "pipeline/control_loop.h"
#include "pipeline/service_sample.h"

namespace docmind::pipeline {

[[nodiscard]] std::vector<monitor::TrendSeries> trend_series();
// In the order of trend_series(); NaN where nothing was measured.
[[nodiscard]] std::vector<double> trend_values(const ServiceSample& now, const ServiceSample& before,
                                               const ServiceRates& rates,
                                               const monitor::WindowedMetrics& window, const monitor::GpuState& gpu);
// {step_ms, unix_ms: [...], series: {name: [...]}}, null where nothing was measured.
[[nodiscard]] json::object history_json(const monitor::TrendHistory& history);

}  // namespace docmind::pipeline
