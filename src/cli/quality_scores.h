// Quality scores: those of KV formats are kept beside the models, those of weights stand in the files themselves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/config.h"
#include "base/error.h"
#include "base/json.h"
#include "engine/kv_quality_bench.h"
#include "pipeline/models.h"

namespace docmind::cli {

// For 'serve' to show: what each KV format costs the model, bound to the content of its file.
Status keep_kv_quality(const Config& config, const engine::KvQualityReport& report);
// Of the loaded models, as /v1/stats has them: {model, what, format, score, note}; `what` is "weights" or "kv". A format that was not measured has
// no score and a note that says how to measure it.
[[nodiscard]] json::array known_quality(const Config& config, const pipeline::Models& models);

}  // namespace docmind::cli
