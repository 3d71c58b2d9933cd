// NativeEmbedder: vectors from an encoder that runs in this process.
// SPDX-License-Identifier: Apache-2.0
#include "providers/native_embedder.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace docmind::providers {

EmbedderInfo NativeEmbedder::info() const {
  const engine::ModelInfo& model = model_->info();
  return {.provider = {model.name, fmt::format("native/{}/{}/{}", model.architecture, model.name,
                                               model.fingerprint)},
          .dimension = model_->dimension(),
          .normalised = true};
}

Status NativeEmbedder::embed(std::span<const std::string_view> texts, EmbedKind kind,
                             std::span<float> out, const CancelToken& cancel) const {
  // Questions go before documents; documents wait for room where a question is refused.
  engine::BatchCall call;
  if (kind == EmbedKind::kDocument) {
    call = {.priority = engine::BatchPriority::kBackground, .wait_for_room = true};
  }
  DM_ASSIGN(const engine::EmbedReport report, model_->embed(texts, out, cancel, call));
  n_tokens_ += report.n_tokens;
  n_cut_tokens_ += report.n_cut_tokens;
  if (std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); })) return {};
  return Error{ErrorCode::kMalformed,
               fmt::format("the embedder '{}' gives vectors that are no numbers; its weights are damaged",
                           model_->info().name)};
}

}  // namespace docmind::providers
