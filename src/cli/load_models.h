// From the configuration to loaded models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "cli/command.h"
#include "engine/embedding_model.h"
#include "engine/load_options.h"
#include "engine/rerank_model.h"
#include "engine/sampler.h"
#include "engine/text_model.h"
#include "providers/native_generator.h"
#include "providers/provider.h"
#include "providers/upstream.h"

namespace docmind::cli {

// The flags --model and --fallback, --embedder and --reranker, each a field of the configuration.
void add_model_flag(CLI::App& app, FieldFlags& fields);
void add_retrieval_model_flags(CLI::App& app, FieldFlags& fields);
void add_embedder_flags(CLI::App& app, FieldFlags& fields);
// How a language model runs: --threads, --context, --kv, --max-tokens, --temperature, --seed, --thinking.
void add_generation_flags(CLI::App& app, FieldFlags& fields);

// kInvalidArgument for a KV format, or a format to quantize to, that does not exist.
[[nodiscard]] Result<engine::EngineOptions> engine_options(const Config& config);
[[nodiscard]] engine::SamplingOptions sampling_options(const Config& config);
[[nodiscard]] providers::NativeGeneratorOptions native_options(const Config& config);

// The file of a model of this process: `text` is a file, the name of a pulled one, or "native:" and one of these.
// kUnsupported for a model of another server.
[[nodiscard]] Result<std::string> resolve_native(const Config& config, const std::string& text);

// Loads with a progress bar on standard error; `name` as in resolve_native. kCancelled on Ctrl-C.
Result<std::shared_ptr<engine::TextModel>> load_text_model(Session& session, const std::string& name);
Result<std::shared_ptr<engine::EmbeddingModel>> load_embedding_model(Session& session, const std::string& name);
Result<std::shared_ptr<engine::RerankModel>> load_rerank_model(Session& session, const std::string& name);
Result<std::unique_ptr<providers::Generator>> load_native_generator(Session& session, const std::string& name);
// Asks the server for a vector, whose errors name the field.
Result<std::unique_ptr<providers::Embedder>> open_upstream_embedder(Session& session,
                                                                    std::shared_ptr<providers::Upstream> upstream);

// What the configuration names, of this process or of another server; null where it names nothing.
Result<std::unique_ptr<providers::Embedder>> load_embedder(Session& session);
Result<std::unique_ptr<providers::Reranker>> load_reranker(Session& session);

}  // namespace docmind::cli
