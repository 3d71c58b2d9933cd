// ModelParts: what every loaded model consists of besides its network.
// SPDX-License-Identifier: Apache-2.0
#include "engine/model_parts.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/load_tokenizer.h"
#include "model/model_bytes.h"
#include "model/quantize_on_load.h"

namespace docmind::engine {

Status ModelParts::check_vocabulary(int64_t n_vocab) const {
  if (static_cast<int64_t>(tokenizer->n_tokens()) <= n_vocab) return {};
  return Error{ErrorCode::kMalformed,
               fmt::format("'{}' has {} tokens in its vocabulary, but its network has rows for {}",
                           printable(info.path), tokenizer->n_tokens(), n_vocab)};
}

namespace {

// A file without matrices in floats is what it was, and shares its caches.
Status note_quantized(ModelParts& parts) {
  if (parts.quantize == model::QuantizeOnLoad::kNone) return {};
  DM_ASSIGN(const model::ModelBytes bytes, model::model_bytes(*parts.file, parts.quantize, parts.team->n_threads(), 1));
  if (bytes.n_quantized == 0) return {};
  parts.info.quantized_on_load = model::quantize_on_load_name(parts.quantize);
  parts.info.fingerprint += "-" + parts.info.quantized_on_load;
  return {};
}

}  // namespace

Result<ModelParts> open_model_parts(const std::string& path, ModelKind wanted,
                                    const EngineOptions& options) {
  ModelParts parts;
  DM_ASSIGN(parts.kernels, kernels::kernel_table_named(options.isa));
  DM_ASSIGN(gguf::File file, gguf::File::open(path));
  parts.file = std::make_unique<gguf::File>(std::move(file));
  DM_TRY(expect_model_kind(*parts.file, wanted));
  DM_ASSIGN(parts.tokenizer, load_tokenizer(*parts.file));
  parts.team = std::make_unique<ThreadTeam>(options.n_threads);
  parts.info = {.path = path,
                .name = model_name_of(*parts.file),
                .architecture = std::string(parts.file->architecture()),
                .fingerprint = model_fingerprint(*parts.file),
                .isa = std::string(kernels::isa_name(parts.kernels->isa)),
                .n_threads = parts.team->n_threads(),
                .file_bytes = parts.file->file_bytes()};
  parts.quantize = options.quantize;
  DM_TRY(note_quantized(parts));
  return parts;
}

}  // namespace docmind::engine
