// Measures the KV cache of one model in every format.
// SPDX-License-Identifier: Apache-2.0
#include "engine/kv_bench.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/aligned_buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/bench_common.h"
#include "engine/kv_fill.h"
#include "engine/machine_limits.h"
#include "engine/model_parts.h"
#include "model/decoder.h"
#include "model/decoder_config.h"
#include "monitor/process.h"

namespace docmind::engine {
namespace {

constexpr int64_t kPrefillQueries = 256;
constexpr int64_t kQueryTile = 256;

Result<int64_t> process_bytes() {
  DM_ASSIGN(const monitor::ProcessMemory memory, monitor::process_memory());
  return memory.rss_bytes;
}

// Attention of a model's last tokens over a filled sequence, layer by layer as a forward pass has it.
class Attention {
 public:
  Attention(const kernels::KernelTable& table, ThreadTeam& team, const kv::Layout& layout, int64_t n_heads)
    : table_(table), team_(team), layout_(layout), n_heads_(n_heads) {}

  Status allocate() {
    const kv::Geometry& geometry = layout_.geometry();
    const auto row = static_cast<size_t>(n_heads_ * geometry.head_dim);
    queries_.assign(row * kPrefillQueries, 0.0f);
    out_.resize(queries_.size());
    for (size_t i = 0; i < queries_.size(); ++i) queries_[i] = static_cast<float>(i * 7'919 % 1'000) / 500 - 1;
    scratch_bytes_ = (kernels::attention_scratch_bytes(job(0, 0), kQueryTile) + 63) / 64 * 64;
    DM_ASSIGN(scratch_, AlignedBuffer::allocate(scratch_bytes_ * team_.n_threads()));
    return {};
  }

  // Of the last `n_queries` tokens of the sequence.
  void run(const kv::Sequence& sequence, int64_t n_queries) {
    const int64_t n_kv_heads = layout_.geometry().n_kv_heads;
    for (int64_t layer = 0; layer < layout_.geometry().n_layers; ++layer) {
      kernels::AttentionJob work = job(sequence.n_tokens(), n_queries);
      work.kv = sequence.view(layer);
      team_.parallel_for(n_kv_heads, 1, [&](int64_t begin, int64_t end, size_t thread) {
        for (int64_t head = begin; head < end; ++head) {
          table_.attention(work, head, 0, n_queries, scratch_.data() + thread * scratch_bytes_);
        }
      });
    }
  }

 private:
  [[nodiscard]] kernels::AttentionJob job(int64_t n_keys, int64_t n_queries) {
    const kv::Geometry& geometry = layout_.geometry();
    const int64_t width = n_heads_ * geometry.head_dim;
    return {.q = queries_.data(),
            .q_stride = width,
            .out = out_.data(),
            .out_stride = width,
            .n_queries = n_queries,
            .n_heads = n_heads_,
            .n_kv_heads = geometry.n_kv_heads,
            .head_dim = geometry.head_dim,
            .scale = 1 / std::sqrt(static_cast<float>(geometry.head_dim)),
            .n_keys = n_keys,
            .first_position = n_keys - n_queries,
            .decode = n_queries == 1,
            .kv = {}};
  }

  const kernels::KernelTable& table_;
  ThreadTeam& team_;
  const kv::Layout& layout_;
  int64_t n_heads_;
  std::vector<float> queries_, out_;
  size_t scratch_bytes_ = 0;
  AlignedBuffer scratch_;
};

// One model through all formats.
class KvMeasurement {
 public:
  KvMeasurement(const KvBenchOptions& options, const CancelToken& cancel, const kernels::KernelTable& table,
                ThreadTeam& team)
    : options_(options), cancel_(cancel), table_(table), team_(team) {}

  Result<KvFormatReport> format(const kv::Geometry& geometry, int64_t n_heads, kv::Format format,
                                model::Decoder* decoder) {
    options_.on_step(fmt::format("{}: filling {} tokens", kv::format_name(format), options_.n_tokens));
    KvFormatReport report;
    report.format = format;
    kv::FormatOptions stored = options_.engine.kv_format;
    stored.format = format;
    DM_ASSIGN(const kv::Layout layout, kv::Layout::create(geometry, stored));
    const size_t n_bytes = layout.sequence_bytes(options_.n_tokens);
    DM_TRY(check_memory(format, n_bytes));
    DM_ASSIGN(const int64_t before, process_bytes());
    // A pass holds its tokens in both forms for a moment.
    const size_t budget = n_bytes + layout.sequence_bytes(2 * kPrefillQueries) + 64 * layout.page_bytes();
    DM_ASSIGN(const auto cache, kv::Cache::create(geometry, {.format = stored, .budget_bytes = budget,
                                                             .share_prefixes = false, .identity = "bench"}, table_));
    DM_ASSIGN(const auto sequence, cache->new_sequence(options_.n_tokens + options_.n_runs + 1));
    KvFiller filler(table_, team_, 1);
    DM_TRY(filler.fill(*sequence, options_.n_tokens, cancel_));
    DM_ASSIGN(const int64_t after, process_bytes());
    const kv::CacheStats stats = cache->stats();
    report.sequence_bytes = static_cast<int64_t>(n_bytes);
    report.bytes_per_token = static_cast<double>(stats.referenced_bytes) / static_cast<double>(options_.n_tokens);
    report.counted_bytes = static_cast<int64_t>(stats.resident_bytes + stats.overhead_bytes);
    report.process_bytes = after - before;
    report.budget_tokens = tokens_in_budget(layout, options_.budget_bytes);
    DM_TRY(attend(*sequence, layout, n_heads, report));
    if (decoder != nullptr) DM_TRY(decode(*decoder, *sequence, report));
    return report;
  }

 private:
  Status check_memory(kv::Format format, size_t n_bytes) const {
    DM_ASSIGN(const monitor::SystemMemory memory, monitor::system_memory());
    if (static_cast<int64_t>(n_bytes) < memory.available_bytes / 10 * 9) return {};
    return Error{ErrorCode::kLimit,
                 fmt::format("{} tokens in {} take {}, and {} of memory are free; measure fewer tokens or leave the "
                             "format out", options_.n_tokens, kv::format_name(format),
                             format_bytes(static_cast<int64_t>(n_bytes)), format_bytes(memory.available_bytes))};
  }

  Status attend(const kv::Sequence& sequence, const kv::Layout& layout, int64_t n_heads, KvFormatReport& report) {
    options_.on_step(fmt::format("{}: attention", kv::format_name(report.format)));
    Attention attention(table_, team_, layout, n_heads);
    DM_TRY(attention.allocate());
    DM_ASSIGN(report.attend_ms, time([&] { attention.run(sequence, 1); return Status(); }));
    report.attend_gb_per_s = report.bytes_per_token * static_cast<double>(options_.n_tokens) / (report.attend_ms * 1e6);
    const int64_t n_queries = std::min(kPrefillQueries, options_.n_tokens);
    DM_ASSIGN(report.prefill_ms, time([&] { attention.run(sequence, n_queries); return Status(); }));
    return {};
  }

  Status decode(model::Decoder& decoder, kv::Sequence& sequence, KvFormatReport& report) {
    options_.on_step(fmt::format("{}: decoding", kv::format_name(report.format)));
    std::vector<float> logits(static_cast<size_t>(decoder.config().n_vocab));
    const kv::TokenId token = 1;
    DM_ASSIGN(report.decode_ms, time([&] { return decoder.forward(sequence, {&token, 1}, logits); }));
    const bool finite = std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); });
    if (finite) return {};
    return Error{ErrorCode::kInternal,
                 fmt::format("{} tokens in {} gave logits that are not finite", options_.n_tokens,
                             kv::format_name(report.format))};
  }

  // Median of the runs, in ms, after one that is not counted.
  template <typename Run>
  Result<double> time(const Run& run) {
    DM_TRY(run());
    std::vector<double> times;
    for (int i = 0; i < options_.n_runs; ++i) {
      if (cancel_.cancelled()) return stopped();
      const Stopwatch clock;
      DM_TRY(run());
      times.push_back(clock.elapsed_ms());
    }
    return median(std::move(times));
  }

  const KvBenchOptions& options_;
  const CancelToken& cancel_;
  const kernels::KernelTable& table_;
  ThreadTeam& team_;
};

Status check(const KvBenchOptions& options) {
  if (options.n_tokens >= 1 && options.n_runs >= 1 && !options.formats.empty()) return {};
  return Error{ErrorCode::kInvalidArgument, "a measurement needs tokens, runs and formats, at least 1 each"};
}

}  // namespace

int64_t tokens_in_budget(const kv::Layout& layout, size_t budget_bytes) {
  int64_t fits = 0;
  int64_t too_many = 1;
  while (layout.sequence_bytes(too_many) <= budget_bytes) too_many *= 2;
  while (fits + 1 < too_many) {
    const int64_t middle = fits + (too_many - fits) / 2;
    (layout.sequence_bytes(middle) <= budget_bytes ? fits : too_many) = middle;
  }
  return fits;
}

Result<KvBenchReport> bench_kv(const std::string& path, const KvBenchOptions& options, const CancelToken& cancel) {
  DM_TRY(check(options));
  DM_ASSIGN(const kernels::KernelTable* table, kernels::kernel_table_named(options.engine.isa));
  DM_ASSIGN(const gguf::File file, gguf::File::open(path));
  DM_ASSIGN(const model::DecoderConfig config, model::read_decoder_config(file));
  ThreadTeam team(options.engine.n_threads);
  std::unique_ptr<model::Decoder> decoder;
  if (options.with_decode) {
    options.on_step("loading");
    DM_ASSIGN(decoder,
              model::Decoder::load(file, {.kernels = table, .team = &team, .progress = options.engine.progress}));
  }
  KvBenchReport report;
  report.model = printable(path);
  report.geometry = {.n_layers = config.n_layers, .n_kv_heads = config.n_kv_heads, .head_dim = config.head_dim};
  report.isa = std::string(kernels::isa_name(table->isa));
  report.n_threads = team.n_threads();
  report.n_tokens = options.n_tokens;
  report.budget_bytes = options.budget_bytes;
  KvMeasurement bench(options, cancel, *table, team);
  for (const kv::Format format : options.formats) {
    DM_ASSIGN(KvFormatReport one, bench.format(report.geometry, config.n_heads, format, decoder.get()));
    report.formats.push_back(std::move(one));
  }
  options.on_step("measuring the machine");
  DM_ASSIGN(const MachineLimits limits, measure_machine_limits(*table, options.engine.n_threads));
  report.read_gb_per_s = limits.read_gb_per_s;
  return report;
}

}  // namespace docmind::engine
