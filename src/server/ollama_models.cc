// Models as Ollama's clients see them: the rows of tags and ps, and what show tells.
// SPDX-License-Identifier: Apache-2.0
#include "server/ollama_models.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "server/response_text.h"

namespace docmind::server {
namespace {

constexpr std::string_view kLoadedForever = "2318-12-31T00:00:00Z";  // what Ollama says of keep_alive -1

// "596.05M", "7.2B"
std::string parameter_size(int64_t n) {
  if (n >= 1'000'000'000) return fmt::format("{:.1f}B", static_cast<double>(n) / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.2f}M", static_cast<double>(n) / 1e6);
  return fmt::format("{:.2f}K", static_cast<double>(n) / 1e3);
}

json::object ollama_details(const OllamaModel& model) {
  const std::string family = model.card.architecture.empty() ? "docmind" : model.card.architecture;
  return {{"parent_model", ""},
          {"format", model.role == ModelRole::kDocuments ? "documents" : "gguf"},
          {"family", family},
          {"families", json::array{json::value(family)}},
          {"parameter_size", parameter_size(model.card.n_parameters)},
          {"quantization_level", model.card.type}};
}

json::array ollama_capabilities(const OllamaModel& model) {
  json::array all;
  switch (model.role) {
    case ModelRole::kText:
      all.emplace_back("completion");
      if (model.can_use_tools) all.emplace_back("tools");
      if (model.can_think) all.emplace_back("thinking");
      break;
    case ModelRole::kDocuments: all.emplace_back("completion"); break;
    case ModelRole::kEmbedding: all.emplace_back("embedding"); break;
    default: break;
  }
  return all;
}

// Ollama's digests are SHA-256 of a manifest; this one changes with the model as well.
std::string digest_of(const OllamaModel& model) { return to_hex(sha256(model.name + "/" + model.fingerprint)); }

}  // namespace

std::vector<OllamaModel> read_ollama_models(const pipeline::Models& models) {
  std::vector<OllamaModel> all;
  const auto add = [&](const std::string& name, ModelRole role, const engine::ModelInfo& info, int64_t n_context) {
    OllamaModel model{.name = name, .role = role, .card = {}, .fingerprint = info.fingerprint, .n_context = n_context};
    if (auto card = engine::read_model_card(info.path); card.ok()) {
      model.card = *std::move(card);
    } else {  // the file went away after it was loaded
      model.card.architecture = info.architecture;
      model.card.n_bytes = static_cast<int64_t>(info.file_bytes);
    }
    all.push_back(std::move(model));
  };
  if (models.text) {
    add(models.text_name, ModelRole::kText, models.text->info(), models.text->n_context());
    all.back().can_think = models.text->can_think();
    all.back().can_use_tools = models.text->can_use_tools();
  }
  if (models.embedding) {
    add(models.embedding_name, ModelRole::kEmbedding, models.embedding->info(),
        models.embedding->encoder().config().n_context);
  }
  if (models.rerank) {
    add(models.rerank_name, ModelRole::kRerank, models.rerank->info(), models.rerank->encoder().config().n_context);
  }
  return all;
}

OllamaModel documents_model(std::string_view name) {
  return {.name = std::string(name), .role = ModelRole::kDocuments, .card = {}, .fingerprint = {}, .n_context = 0};
}

json::object ollama_row(const OllamaModel& model, bool loaded) {
  const std::string tagged = model.name + ":latest";
  json::object row{{"name", tagged}, {"model", tagged}, {"size", model.card.n_bytes}, {"digest", digest_of(model)},
                   {"details", ollama_details(model)}};
  if (loaded) {
    row["expires_at"] = kLoadedForever;
    row["size_vram"] = 0;
    row["context_length"] = model.n_context;
  } else {
    row["modified_at"] = rfc3339(model.card.modified_ms * 1'000);
  }
  return row;
}

json::object ollama_show(const OllamaModel& model) {
  const engine::ModelCard& card = model.card;
  json::object info{{"general.architecture", card.architecture}, {"general.parameter_count", card.n_parameters}};
  if (card.n_context > 0) info[card.architecture + ".context_length"] = card.n_context;
  if (card.n_embedding > 0) info[card.architecture + ".embedding_length"] = card.n_embedding;
  return {{"modelfile",
           fmt::format("# Models are named in docmind's configuration, not made here.\nFROM {}\n", model.name)},
          {"parameters", fmt::format("num_ctx                        {}", model.n_context)},
          {"template", card.chat_template},
          {"details", ollama_details(model)},
          {"model_info", std::move(info)},
          {"capabilities", ollama_capabilities(model)},
          {"modified_at", rfc3339(card.modified_ms * 1'000)}};
}

}  // namespace docmind::server
