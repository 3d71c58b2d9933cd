// From the configuration to loaded models.
// SPDX-License-Identifier: Apache-2.0
#include "cli/load_models.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/load_upstream.h"
#include "cli/progress_bar.h"
#include "engine/embedding_model.h"
#include "engine/encoder_queue.h"
#include "engine/rerank_model.h"
#include "providers/model_catalogue.h"
#include "providers/native_embedder.h"
#include "providers/native_reranker.h"

namespace docmind::cli {
namespace {

// `more` are the further arguments of Model::load.
template <typename Model, typename... More>
Result<std::shared_ptr<Model>> load_model(Session& session, const std::string& name, const More&... more) {
  DM_ASSIGN(const std::string path, resolve_native(session.config(), name));
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

Result<model::QuantizeOnLoad> quantize_on_load(const std::string& name) {
  if (name == "none") return model::QuantizeOnLoad::kNone;
  if (name == "int8") return model::QuantizeOnLoad::kInt8;
  if (name == "int4") return model::QuantizeOnLoad::kInt4;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("model.quantize_on_load is '{}', but none, int8 and int4 are what there is", name)};
}

// A command may have several groups of flags, each of which needs these.
void add_loading_flags(CLI::App& app, FieldFlags& fields) {
  if (app.get_option_no_throw("--quantize-on-load") != nullptr) return;
  fields.add(app, "--quantize-on-load", "model.quantize_on_load");
}

void add_remote_flag(CLI::App& app, FieldFlags& fields) {
  if (app.get_option_no_throw("--allow-remote") != nullptr) return;
  fields.add_switch(app, "--allow-remote", "upstream.allow_remote", "true",
                    "Models may be on other machines: questions and passages leave this one");
}

}  // namespace

void add_model_flag(CLI::App& app, FieldFlags& fields) {
  fields.add(app, "--model", "model.path");
  fields.add(app, "--fallback", "model.fallback");
  app.get_option("--fallback")->type_name("MODEL ...");
  add_loading_flags(app, fields);
  add_remote_flag(app, fields);
}

void add_embedder_flags(CLI::App& app, FieldFlags& fields) {
  fields.add(app, "--embedder", "embedder.path");
  add_loading_flags(app, fields);
  add_remote_flag(app, fields);
}

void add_retrieval_model_flags(CLI::App& app, FieldFlags& fields) {
  add_embedder_flags(app, fields);
  fields.add(app, "--reranker", "reranker.path");
}

void add_generation_flags(CLI::App& app, FieldFlags& fields) {
  add_loading_flags(app, fields);
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
  DM_ASSIGN(options.quantize, quantize_on_load(config.model.quantize_on_load));
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
                   fmt::format("{}-{}.kv", model.fingerprint, config.kv.format));
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

Result<std::shared_ptr<engine::EmbeddingModel>> load_embedding_model(Session& session, const std::string& name) {
  return load_model<engine::EmbeddingModel>(session, name, queue_options(session.config()));
}

Result<std::shared_ptr<engine::RerankModel>> load_rerank_model(Session& session, const std::string& name) {
  return load_model<engine::RerankModel>(session, name, queue_options(session.config()));
}

providers::NativeGeneratorOptions native_options(const Config& config) {
  return {.sampling = sampling_options(config), .thinking = config.model.thinking};
}

Result<std::unique_ptr<providers::Embedder>> open_upstream_embedder(Session& session,
                                                                    std::shared_ptr<providers::Upstream> upstream) {
  Result<std::unique_ptr<providers::Embedder>> embedder =
      providers::make_upstream_embedder(std::move(upstream), session.cancel);
  if (!embedder.ok()) return std::move(embedder).error().with_context("embedder.path");
  return embedder;
}

Result<std::string> resolve_native(const Config& config, const std::string& text) {
  DM_ASSIGN(const providers::ModelSpec spec, providers::parse_model_spec(text));
  if (spec.native()) return providers::resolve_model(config, spec.model);
  return Error{ErrorCode::kUnsupported,
               fmt::format("'{}' is a model of another server, and this needs one of this process: a GGUF file or the "
                           "name of a pulled model",
                           printable(spec.text()))};
}

Result<std::unique_ptr<providers::Generator>> load_native_generator(Session& session, const std::string& name) {
  DM_ASSIGN(std::shared_ptr<engine::TextModel> model, load_text_model(session, name));
  return std::unique_ptr<providers::Generator>(
      std::make_unique<providers::NativeGenerator>(std::move(model), native_options(session.config())));
}

Result<std::unique_ptr<providers::Embedder>> load_embedder(Session& session) {
  const std::string& name = session.config().embedder.path;
  if (name.empty()) return std::unique_ptr<providers::Embedder>();
  DM_ASSIGN(const providers::ModelSpec spec, field_spec("embedder.path", name));
  if (!spec.native()) {
    DM_ASSIGN(std::shared_ptr<providers::Upstream> upstream, open_upstream(session, spec));
    return open_upstream_embedder(session, std::move(upstream));
  }
  DM_ASSIGN(std::shared_ptr<engine::EmbeddingModel> model, load_embedding_model(session, name));
  return std::unique_ptr<providers::Embedder>(std::make_unique<providers::NativeEmbedder>(std::move(model)));
}

Result<std::unique_ptr<providers::Reranker>> load_reranker(Session& session) {
  const std::string& name = session.config().reranker.path;
  if (name.empty()) return std::unique_ptr<providers::Reranker>();
  DM_ASSIGN(const providers::ModelSpec spec, field_spec("reranker.path", name));
  if (!spec.native()) {
    DM_ASSIGN(std::shared_ptr<providers::Upstream> upstream, open_upstream(session, spec));
    return providers::make_upstream_reranker(std::move(upstream));
  }
  DM_ASSIGN(std::shared_ptr<engine::RerankModel> model, load_rerank_model(session, name));
  return std::unique_ptr<providers::Reranker>(std::make_unique<providers::NativeReranker>(std::move(model)));
}

}  // namespace docmind::cli
