// From the configuration to loaded models.
// SPDX-License-Identifier: Apache-2.0
#include "cli/load_models.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/progress_bar.h"
#include "engine/embedding_model.h"
#include "engine/encoder_queue.h"
#include "engine/rerank_model.h"
#include "providers/model_catalogue.h"

namespace docmind::cli {
namespace {

// `more` are the further arguments of Model::load.
template <typename Model, typename... More>
Result<std::shared_ptr<Model>> load_model(Session& session, const std::string& name, const More&... more) {
  DM_ASSIGN(const std::string path, providers::resolve_model(session.config(), name));
  ProgressBar bar(session.terminal);
  const std::string what = "loading " + printable(std::filesystem::path(path).filename().string());
  DM_ASSIGN(engine::EngineOptions options, engine_options(session.config()));
  options.progress = [&](size_t n_done, size_t n_total) {
    bar.show_bytes(what, static_cast<int64_t>(n_done), static_cast<int64_t>(n_total));
    return !session.cancel.cancelled();
  };
  DM_ASSIGN(std::unique_ptr<Model> model, Model::load(path, options, more...));
  return std::shared_ptr<Model>(std::move(model));
}

engine::EncoderQueueOptions queue_options(const Config& config) {
  engine::EncoderQueueOptions options;
  options.batches.limits.max_wait_ms = static_cast<double>(config.batch.encoder_wait_ms);
  return options;
}

}  // namespace

void add_model_flag(CLI::App& app, FieldFlags& fields) { fields.add(app, "--model", "model.path"); }

void add_retrieval_model_flags(CLI::App& app, FieldFlags& fields) {
  fields.add(app, "--embedder", "embedder.path");
  fields.add(app, "--reranker", "reranker.path");
}

void add_generation_flags(CLI::App& app, FieldFlags& fields) {
  fields.add(app, "--threads", "model.threads");
  fields.add(app, "--context", "model.context");
  fields.add(app, "--kv", "kv.format");
  fields.add(app, "--max-tokens", "model.max_tokens");
  fields.add(app, "--temperature", "model.temperature");
  fields.add(app, "--seed", "model.seed");
  fields.add_switch(app, "--thinking", "model.thinking", "true",
                    "Let a model that can think do so before it answers");
}

Result<engine::EngineOptions> engine_options(const Config& config) {
  engine::EngineOptions options{.n_threads = static_cast<size_t>(config.model.threads),
                                .isa = config.model.isa,
                                .n_context = config.model.context};
  DM_ASSIGN(options.kv_format.format, kv::parse_format(config.kv.format));
  options.kv_format.group_size = config.kv.group_size;
  options.kv_format.residual_tokens = config.kv.residual;
  options.kv_format.mixed_bits = config.kv.mixed_bits;
  options.kv_budget_bytes = static_cast<size_t>(config.kv.budget_mib) << 20;
  options.share_prefixes = config.kv.share;
  options.exact_reuse = config.kv.exact_reuse;
  options.spill_folder = config.kv.spill_path;
  options.scheduler.max_sequences = config.batch.sequences;
  options.scheduler.max_queued = static_cast<size_t>(config.batch.queue);
  options.scheduler.prefill_tokens = config.batch.prefill_tokens;
  options.scheduler.prefill_share = config.batch.prefill_share;
  return options;
}

engine::SamplingOptions sampling_options(const Config& config) {
  engine::SamplingOptions options;
  options.top_k = static_cast<size_t>(config.model.top_k);
  options.top_p = config.model.top_p;
  options.min_p = config.model.min_p;
  options.temperature = config.model.temperature;
  options.seed = static_cast<uint64_t>(config.model.seed);
  return options;
}

namespace {

// Where the beginnings of a model's texts wait for the next start; each format has its own.
std::string prefix_path(const Config& config, const engine::ModelInfo& model) {
  return join_path(join_path(config.store.path, "prefixes"),
                   fmt::format("{}-{}.kv", model.fingerprint.substr(0, 16), config.kv.format));
}

void restore_prefixes(Session& session, engine::TextModel& model, const std::string& path) {
  const Result<int64_t> restored = model.restore_prefixes(path);
  if (restored.ok() || restored.error().code == ErrorCode::kNotFound) return;
  session.terminal.note("prompts begin cold: " + restored.error().message);
}

void keep_prefixes(Session& session, engine::TextModel& model, const std::string& path) {
  Status kept = make_folders(join_path(session.config().store.path, "prefixes"));
  if (kept.ok()) kept = model.save_prefixes(path, static_cast<size_t>(session.config().kv.keep_mib) << 20);
  if (!kept.ok()) session.terminal.note("the next start will be cold: " + kept.error().message);
}

}  // namespace

Result<std::shared_ptr<engine::TextModel>> load_text_model(Session& session, const std::string& name) {
  DM_ASSIGN(std::shared_ptr<engine::TextModel> model, load_model<engine::TextModel>(session, name));
  if (session.config().kv.keep_mib == 0) return model;
  const std::string path = prefix_path(session.config(), model->info());
  restore_prefixes(session, *model, path);
  engine::TextModel* borrowed = model.get();
  return std::shared_ptr<engine::TextModel>(borrowed, [&session, path, owner = std::move(model)](engine::TextModel* m) {
    keep_prefixes(session, *m, path);
  });
}

Result<std::unique_ptr<providers::Generator>> load_generator(Session& session) {
  const Config& config = session.config();
  std::unique_ptr<providers::Generator> generator;
  if (config.model.path.empty()) return generator;
  DM_ASSIGN(std::shared_ptr<engine::TextModel> model, load_text_model(session, config.model.path));
  generator = std::make_unique<providers::NativeGenerator>(
      std::move(model), providers::NativeGeneratorOptions{.sampling = sampling_options(config),
                                                          .thinking = config.model.thinking});
  return generator;
}

Result<std::unique_ptr<providers::NativeEmbedder>> load_embedder(Session& session) {
  std::unique_ptr<providers::NativeEmbedder> embedder;
  const std::string& name = session.config().embedder.path;
  if (name.empty()) return embedder;
  DM_ASSIGN(std::shared_ptr<engine::EmbeddingModel> model,
            load_model<engine::EmbeddingModel>(session, name, queue_options(session.config())));
  embedder = std::make_unique<providers::NativeEmbedder>(std::move(model));
  return embedder;
}

Result<std::unique_ptr<providers::Reranker>> load_reranker(Session& session) {
  std::unique_ptr<providers::Reranker> reranker;
  const std::string& name = session.config().reranker.path;
  if (name.empty()) return reranker;
  DM_ASSIGN(std::shared_ptr<engine::RerankModel> model,
            load_model<engine::RerankModel>(session, name, queue_options(session.config())));
  reranker = std::make_unique<providers::NativeReranker>(std::move(model));
  return reranker;
}

namespace {

// What clients call a model: its catalogue name, or the file without folder and ending.
std::string client_name(const std::string& configured) {
  const std::filesystem::path file = std::filesystem::path(configured).filename();
  return file.extension() == ".gguf" ? file.stem().string() : file.string();
}

}  // namespace

Result<pipeline::Models> load_models(Session& session) {
  const Config& config = session.config();
  pipeline::Models models;
  if (!config.model.path.empty()) {
    DM_ASSIGN(models.text, load_text_model(session, config.model.path));
    models.text_name = client_name(config.model.path);
    models.generator = std::make_shared<providers::NativeGenerator>(
        models.text, providers::NativeGeneratorOptions{.sampling = sampling_options(config),
                                                       .thinking = config.model.thinking});
  }
  if (!config.embedder.path.empty()) {
    DM_ASSIGN(models.embedding,
              load_model<engine::EmbeddingModel>(session, config.embedder.path, queue_options(config)));
    models.embedding_name = client_name(config.embedder.path);
    models.embedder = std::make_shared<providers::NativeEmbedder>(models.embedding);
  }
  if (!config.reranker.path.empty()) {
    DM_ASSIGN(models.rerank, load_model<engine::RerankModel>(session, config.reranker.path, queue_options(config)));
    models.rerank_name = client_name(config.reranker.path);
    models.reranker = std::make_shared<providers::NativeReranker>(models.rerank);
  }
  return models;
}

}  // namespace docmind::cli
