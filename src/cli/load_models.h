// From the configuration to loaded models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "cli/command.h"
#include "engine/load_options.h"
#include "engine/sampler.h"
#include "engine/text_model.h"
#include "pipeline/models.h"
#include "providers/native_embedder.h"
#include "providers/native_generator.h"
#include "providers/native_reranker.h"

namespace docmind::cli {

// The flags --model, --embedder and --reranker, each a field of the configuration.
void add_model_flag(CLI::App& app, FieldFlags& fields);
void add_retrieval_model_flags(CLI::App& app, FieldFlags& fields);
// How a language model runs: --threads, --context, --kv, --max-tokens, --temperature, --seed, --thinking.
void add_generation_flags(CLI::App& app, FieldFlags& fields);

// kInvalidArgument for a KV format that does not exist.
[[nodiscard]] Result<engine::EngineOptions> engine_options(const Config& config);
[[nodiscard]] engine::SamplingOptions sampling_options(const Config& config);

// Loads with a progress bar on standard error; `name` is a file or the name of a pulled model.
// kCancelled on Ctrl-C.
Result<std::shared_ptr<engine::TextModel>> load_text_model(Session& session, const std::string& name);

// What the configuration names; null where it names nothing.
Result<std::unique_ptr<providers::Generator>> load_generator(Session& session);
Result<std::unique_ptr<providers::NativeEmbedder>> load_embedder(Session& session);
Result<std::unique_ptr<providers::Reranker>> load_reranker(Session& session);

// All of them, loaded now, for a process that stays.
Result<pipeline::Models> load_models(Session& session);

}  // namespace docmind::cli
