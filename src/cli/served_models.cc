// The models of a process that serves.
// SPDX-License-Identifier: Apache-2.0
#include "cli/served_models.h"

#include <utility>

#include "base/text.h"
#include "cli/assemble_generator.h"
#include "cli/lazy_generator.h"
#include "cli/load_models.h"
#include "cli/load_upstream.h"
#include "cli/steady_upstream.h"
#include "providers/native_embedder.h"
#include "providers/native_generator.h"
#include "providers/native_reranker.h"

namespace docmind::cli {
namespace {

using providers::ModelSpec;
using SharedGenerator = Result<std::shared_ptr<const providers::Generator>>;

std::shared_ptr<const providers::Generator> native_generator(const Config& config,
                                                             std::shared_ptr<engine::TextModel> model) {
  return std::make_shared<const providers::NativeGenerator>(std::move(model), native_options(config));
}

SharedGenerator standby_generator(Session& session, const std::string& name) {
  DM_TRY(resolve_native(session.config(), name));
  return make_lazy_generator(name, std::nullopt, [&session, name] {
    session.logger.warn("loading '{}', which stands in from now on", printable(name));
    return load_native_generator(session, name);
  });
}

// Clients chat with model.path directly where it is of this process.
Status load_language_models(Session& session, pipeline::Models& models) {
  const Config& config = session.config();
  const auto load = [&](const std::string& name) -> SharedGenerator {
    DM_ASSIGN(std::shared_ptr<engine::TextModel> model, load_text_model(session, name));
    return native_generator(config, std::move(model));
  };
  const auto load_first = [&](const std::string& name) -> SharedGenerator {
    DM_ASSIGN(models.text, load_text_model(session, name));
    return native_generator(config, models.text);
  };
  const auto stand_by = [&](const std::string& name) { return standby_generator(session, name); };
  DM_ASSIGN(AssembledGenerator assembled,
            assemble_generator(session, {.first = load_first, .open = load, .standby = stand_by}));
  if (!config.model.path.empty()) {
    DM_ASSIGN(const ModelSpec spec, field_spec("model.path", config.model.path));
    models.text_name = client_name(spec);
  }
  models.generator = std::move(assembled.generator);
  models.falls_back_to_extractive = assembled.falls_back_to_extractive;
  models.route_log = std::move(assembled.log);
  models.remote = std::move(assembled.remote);
  return {};
}

Status load_embedding(Session& session, pipeline::Models& models) {
  const std::string& name = session.config().embedder.path;
  if (name.empty()) return {};
  DM_ASSIGN(const ModelSpec spec, field_spec("embedder.path", name));
  if (spec.native()) {
    DM_ASSIGN(models.embedding, load_embedding_model(session, name));
    models.embedding_name = client_name(spec);
    models.embedder = std::make_shared<providers::NativeEmbedder>(models.embedding);
    return {};
  }
  DM_ASSIGN(const std::shared_ptr<providers::Upstream> upstream, open_upstream(session, spec));
  DM_ASSIGN(std::unique_ptr<providers::Embedder> embedder, open_upstream_embedder(session, upstream));
  models.embedder = steady_upstream(std::shared_ptr<const providers::Embedder>(std::move(embedder)));
  models.remote.push_back({"embedding", client_name(spec), upstream});
  return {};
}

Status load_reranking(Session& session, pipeline::Models& models) {
  const std::string& name = session.config().reranker.path;
  if (name.empty()) return {};
  DM_ASSIGN(const ModelSpec spec, field_spec("reranker.path", name));
  if (spec.native()) {
    DM_ASSIGN(models.rerank, load_rerank_model(session, name));
    models.rerank_name = client_name(spec);
    models.reranker = std::make_shared<providers::NativeReranker>(models.rerank);
    return {};
  }
  DM_ASSIGN(const std::shared_ptr<providers::Upstream> upstream, open_upstream(session, spec));
  models.reranker = steady_upstream(std::shared_ptr<const providers::Reranker>(
      providers::make_upstream_reranker(upstream)));
  models.remote.push_back({"rerank", client_name(spec), upstream});
  return {};
}

}  // namespace

Result<pipeline::Models> load_served_models(Session& session) {
  pipeline::Models models;
  DM_TRY(load_language_models(session, models));
  DM_TRY(load_embedding(session, models));
  DM_TRY(load_reranking(session, models));
  return models;
}

}  // namespace docmind::cli
