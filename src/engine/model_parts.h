// ModelParts: what every loaded model consists of besides its network.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/thread_team.h"
#include "engine/load_options.h"
#include "engine/model_kind.h"
#include "gguf/file.h"
#include "kernels/kernels.h"
#include "tokenizer/tokenizer.h"

namespace docmind::engine {

// Who a loaded model is, for people, for caches and for measurements.
struct ModelInfo {
  std::string path;
  std::string name;
  std::string architecture;
  // model_fingerprint(), and "-int8" or "-int4" where its weights were quantized on load: other weights, other answers.
  std::string fingerprint;
  std::string isa;          // of its kernels
  size_t n_threads = 0;
  size_t file_bytes = 0;
  std::string quantized_on_load = {};  // "int8", "int4"; empty: nothing was changed
};

// The parts stay at their places when the struct is moved.
struct ModelParts {
  ModelInfo info;
  std::unique_ptr<gguf::File> file;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  const kernels::KernelTable* kernels = nullptr;
  std::unique_ptr<ThreadTeam> team;
  model::QuantizeOnLoad quantize = model::QuantizeOnLoad::kNone;

  // Tokens of at most this many enter the network at once.
  static constexpr int64_t kBatchTokens = 512;  // of encoders: a long text goes in whole
  // Of a prompt at a time: as fast as larger pieces, whose activations no longer fit into the
  // second-level cache, for half of their memory.
  static constexpr int64_t kPieceTokens = 256;
  [[nodiscard]] model::LoadOptions load_options(const model::LoadProgress& progress,
                                                int64_t n_tokens = kBatchTokens) const {
    return {.kernels = kernels,
            .team = team.get(),
            .max_batch_tokens = n_tokens,
            .progress = progress,
            .quantize = quantize};
  }
  // kMalformed unless the network has a row for each token of the vocabulary.
  [[nodiscard]] Status check_vocabulary(int64_t n_vocab) const;
};

// Opens the file and refuses one of another kind than `wanted`.
Result<ModelParts> open_model_parts(const std::string& path, ModelKind wanted,
                                    const EngineOptions& options);

}  // namespace docmind::engine
