// Models as Ollama's clients see them: the rows of tags and ps, and what show tells.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/model_card.h"
#include "pipeline/models.h"
#include "server/model_names.h"

namespace docmind::server {

// A loaded file, or a collection ("docmind") that is asked like a model.
struct OllamaModel {
  std::string name;  // without a tag
  ModelRole role = ModelRole::kText;
  engine::ModelCard card;   // of a collection: empty
  std::string fingerprint;  // of the weights
  int64_t n_context = 0;    // as loaded
  bool can_think = false, can_use_tools = false;
};
// Reads the heads of the files.
[[nodiscard]] std::vector<OllamaModel> read_ollama_models(const pipeline::Models& models);
[[nodiscard]] OllamaModel documents_model(std::string_view name);

// /api/tags; with `loaded`, /api/ps.
[[nodiscard]] json::object ollama_row(const OllamaModel& model, bool loaded);
[[nodiscard]] json::object ollama_show(const OllamaModel& model);

}  // namespace docmind::server
