// What a language model takes in memory when it is loaded, told from its file's header.
// SPDX-License-Identifier: Apache-2.0
#include "engine/text_memory.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "base/thread_team.h"
#include "engine/model_kind.h"
#include "engine/model_parts.h"
#include "model/decoder_config.h"
#include "model/model_bytes.h"

namespace docmind::engine {
namespace {

constexpr int64_t kDefaultContext = 8'192;

}  // namespace

Result<int64_t> text_context(int64_t wanted, int64_t made_for, const std::string& path) {
  if (wanted == 0) return std::min(made_for, kDefaultContext);
  if (wanted <= made_for) return wanted;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("a context of {} tokens is wanted, but '{}' was made for {}", wanted,
                           printable(path), made_for)};
}

int64_t text_batch_tokens(const EngineOptions& options) {
  return std::max({ModelParts::kPieceTokens, options.scheduler.prefill_tokens, options.scheduler.max_sequences});
}

// With a piece of a prompt, which is exact while it is read.
Result<size_t> text_kv_budget(const kv::Geometry& geometry, const EngineOptions& options, int64_t n_context) {
  if (options.kv_budget_bytes != 0) return options.kv_budget_bytes;
  DM_ASSIGN(const kv::Layout layout, kv::Layout::create(geometry, options.kv_format));
  const int64_t n_piece = std::min(n_context, options.scheduler.prefill_tokens);
  const auto n_blocks = static_cast<size_t>(n_piece / kernels::kKvBlockTokens + 1);
  return layout.sequence_bytes(n_context + n_context / 4) + n_blocks * layout.block_bytes();
}

Result<TextMemory> text_memory(const gguf::File& file, const EngineOptions& options) {
  DM_TRY(expect_model_kind(file, ModelKind::kText));
  DM_ASSIGN(const model::DecoderConfig config, model::read_decoder_config(file));
  const size_t n_threads = ThreadTeam::size_of(options.n_threads);
  DM_ASSIGN(const model::ModelBytes bytes,
            model::model_bytes(file, options.quantize, n_threads, text_batch_tokens(options)));
  TextMemory memory{.weight_bytes = bytes.weights,
                    .decode_read_bytes = bytes.decode_read,
                    .scratch_bytes = bytes.scratch,
                    .in_file_bytes = bytes.in_file};
  const SchedulerOptions& scheduler = options.scheduler;
  memory.pass_bytes = model::forward_pass_bytes(config, scheduler.max_sequences) +
                      model::forward_pass_bytes(config, scheduler.prefill_tokens);
  memory.logit_bytes = static_cast<size_t>(scheduler.max_sequences * config.n_vocab) * sizeof(float);
  DM_ASSIGN(memory.n_context, text_context(options.n_context, config.n_context, file.path()));
  const kv::Geometry geometry{
      .n_layers = config.n_layers, .n_kv_heads = config.n_kv_heads, .head_dim = config.head_dim};
  DM_ASSIGN(memory.kv_bytes, text_kv_budget(geometry, options, memory.n_context));
  return memory;
}

}  // namespace docmind::engine
