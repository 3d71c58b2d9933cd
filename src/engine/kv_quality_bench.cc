// Measures what KV formats cost a model on a text of the user's.
// SPDX-License-Identifier: Apache-2.0
#include "engine/kv_quality_bench.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "base/thread_team.h"
#include "engine/load_tokenizer.h"
#include "engine/model_kind.h"
#include "gguf/file.h"
#include "kernels/kernels.h"

namespace docmind::engine {
namespace {

constexpr int64_t kMostContext = 2'048;

// From so many tokens on, the first page is sealed and read by those behind it.
int64_t least_tokens(const kv::FormatOptions& options) {
  return options.residual_tokens + 3 * kernels::kKvPageTokens;
}

Result<std::vector<KvVariant>> variants_of(const KvQualityOptions& options) {
  std::vector<KvVariant> variants;
  for (const kv::Format format : options.formats) {
    if (format == kv::Format::kF16) continue;
    KvVariant variant{.name = std::string(kv::format_name(format)), .format = options.engine.kv_format};
    variant.format.format = format;
    variants.push_back(std::move(variant));
  }
  if (!variants.empty()) return variants;
  return Error{ErrorCode::kInvalidArgument, "f16 is what the formats are held against; name another one as well"};
}

// Pieces of up to `n_context` tokens, each long enough to be rounded.
Result<std::vector<std::span<const model::TokenId>>> contexts_of(std::span<const model::TokenId> tokens,
                                                                 int64_t n_context, int64_t n_least) {
  std::vector<std::span<const model::TokenId>> contexts;
  while (static_cast<int64_t>(tokens.size()) >= n_least && n_context >= n_least) {
    contexts.push_back(tokens.first(std::min(tokens.size(), static_cast<size_t>(n_context))));
    tokens = tokens.subspan(contexts.back().size());
  }
  if (!contexts.empty()) return contexts;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("the text has {} tokens for contexts of {}, and nothing is rounded in less than {}; "
                           "give a longer text",
                           tokens.size(), n_context, n_least)};
}

}  // namespace

std::optional<KvGate> kv_gate(kv::Format format) {
  switch (format) {
    case kv::Format::kInt8: return KvGate{0.003, 0.985};
    case kv::Format::kInt4: return KvGate{0.02, 0.96};
    case kv::Format::kMixed: return KvGate{0.05, 0.94};
    case kv::Format::kF16:
    case kv::Format::kK8V4: return std::nullopt;
  }
  return std::nullopt;
}

Result<KvQualityReport> bench_kv_quality(const std::string& path, std::string_view text,
                                         const KvQualityOptions& options, const CancelToken& cancel) {
  DM_ASSIGN(const std::vector<KvVariant> variants, variants_of(options));
  DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named(options.engine.isa));
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  DM_ASSIGN(const auto tokenizer, load_tokenizer(file));
  std::vector<model::TokenId> tokens = tokenizer->encode(text, {.add_special = true, .parse_special = false});
  tokens.resize(std::min(tokens.size(), static_cast<size_t>(std::max<int64_t>(0, options.n_tokens))));
  ThreadTeam team(options.engine.n_threads);
  options.on_step("loading");
  DM_ASSIGN(const auto decoder,
            model::Decoder::load(file, {.kernels = table, .team = &team, .progress = options.engine.progress}));
  const int64_t n_context = std::min(kMostContext, decoder->config().n_context);
  DM_ASSIGN(const auto contexts, contexts_of(tokens, n_context, least_tokens(options.engine.kv_format)));
  KvQualityReport report{.model = printable(path),
                         .fingerprint = model_fingerprint(file),
                         .isa = std::string(kernels::isa_name(table->isa)),
                         .n_threads = team.n_threads(),
                         .n_contexts = std::ssize(contexts),
                         .rows = {}};
  std::vector<std::vector<KvQuality>> results;
  for (const auto context : contexts) {
    options.on_step(fmt::format("reading tokens {} to {}", report.n_tokens + 1, report.n_tokens + std::ssize(context)));
    DM_ASSIGN(auto result, measure_kv_quality(*decoder, *table, context, variants, cancel));
    results.push_back(std::move(result));
    report.n_tokens += std::ssize(context);
  }
  const std::vector<KvQuality> all = combine(results);
  for (size_t i = 0; i < variants.size(); ++i) {
    const kv::Format format = variants[i].format.format;
    report.rows.push_back({.format = format, .quality = all[i], .gate = kv_gate(format)});
  }
  return report;
}

}  // namespace docmind::engine
