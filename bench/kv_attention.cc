// Attention over the KV cache: decoding and prefill, over exact blocks (f16) and over sealed pages of every
// format, with the dimensions of Qwen3-0.6B (16 heads) and Qwen3-14B (40 heads), 8 KV heads of 128.
//
// Times are CPU times of one thread. Where others use the machine, run formats by turns and read medians:
//   bench_micro --benchmark_filter=attention --benchmark_enable_random_interleaving=true
//               --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/half.h"
#include "kernels/kernels.h"

namespace {

using namespace docmind;
using kernels::AttentionJob;
using kernels::Half;
using kernels::Isa;
using kernels::KernelTable;
using kernels::kKvBlockTokens;
using kernels::kKvPageBlocks;
using kernels::kKvPageTokens;

constexpr int64_t kKvHeads = 8, kHeadDim = 128, kKeys = 32768;
constexpr int64_t kLayers = 4;  // so that no cache holds what is read again
constexpr int64_t kPrefillQueries = 256;
constexpr kernels::KvPageShape kShape = {.n_kv_heads = kKvHeads, .head_dim = kHeadDim};

struct Format {
  const char* name;
  int key_bits, value_bits;  // 0: exact
};
constexpr Format kFormats[] = {{"f16", 0, 0},  {"int8", 8, 8}, {"int4", 4, 4}, {"k8v4", 8, 4},
                               {"k3v3", 3, 3}, {"k4v2", 4, 2}, {"k2v2", 2, 2}};

// The keys and values of one sequence in a format, each block and page in a random place: all pages are sealed
// but the first and the newest two, exact blocks are there of those and of the four pages before, as
// when 256 queries are computed whose pass sealed these four.
class Cache {
 public:
  explicit Cache(const Format& format) : format_(format) {
    fill_blocks();
    if (format.key_bits != 0) fill_pages();
  }

  // Of the newest n_keys tokens.
  [[nodiscard]] kernels::KvView view(int64_t layer, int64_t n_keys) const {
    const size_t part = kKvBlockTokens * kHeadDim * sizeof(Half);
    const size_t k_offset = static_cast<size_t>(layer) * kKvHeads * 2 * part;
    const int64_t skipped = (kKeys - n_keys) / kKvPageTokens;
    return {.blocks = block_of_.data() + skipped * kKvPageBlocks, .k_offset = k_offset, .v_offset = k_offset + part,
            .head_stride = 2 * part, .pages = format_.key_bits == 0 ? nullptr : page_of_.data() + skipped,
            .layer = layer, .shape = kShape};
  }
  // That decoding reads of one layer.
  [[nodiscard]] double bytes() const { return static_cast<double>(blocks_.size() + pages_.size()) / kLayers; }

 private:
  static constexpr int64_t kPages = kKeys / kKvPageTokens;
  [[nodiscard]] bool is_exact(int64_t page) const {
    return format_.key_bits == 0 || page == 0 || page >= kPages - 6;
  }
  static bool is_sealed(int64_t page) { return page > 0 && page < kPages - 2; }
  static std::vector<int64_t> shuffled(int64_t n) {
    std::vector<int64_t> order(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(i)] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937(5));
    return order;
  }

  void fill_blocks() {
    int64_t n = 0;
    for (int64_t page = 0; page < kPages; ++page) n += is_exact(page) ? kKvPageBlocks : 0;
    const size_t block_bytes = kKvBlockTokens * kHeadDim * sizeof(Half) * 2 * kKvHeads * kLayers;
    blocks_ = std::move(AlignedBuffer::allocate(static_cast<size_t>(n) * block_bytes)).value();
    uint32_t random = 1;
    for (Half& x : blocks_.as<Half>()) {  // from -2 to 2
      random = random * 1664525 + 1013904223;
      x = static_cast<Half>((random >> 16 & 0x8000u) | (0x3000u + (random >> 20 & 0xfffu)));
    }
    const std::vector<int64_t> place = shuffled(n);
    int64_t next = 0;
    for (int64_t page = 0; page < kPages; ++page) {
      for (int64_t i = 0; i < kKvPageBlocks; ++i) {
        block_of_.push_back(is_exact(page) ? blocks_.as<std::byte>().data() +
                                                 static_cast<size_t>(place[static_cast<size_t>(next++)]) * block_bytes
                                           : nullptr);
      }
    }
  }

  // Any bytes are codes; scales are such that keys and values go from -2 to 2.
  void fill_pages() {
    const int64_t layer_bytes = kernels::kv_layer_bytes(kShape, format_.key_bits, format_.value_bits);
    const int64_t page_bytes = kernels::kv_page_header_bytes(kLayers) + kLayers * layer_bytes;
    pages_ = std::move(AlignedBuffer::allocate(static_cast<size_t>(kPages * page_bytes))).value();
    uint32_t random = 1;
    for (uint32_t& x : pages_.as<uint32_t>()) x = random = random * 1664525 + 1013904223;
    const std::vector<int64_t> place = shuffled(kPages);
    for (int64_t i = 0; i < kPages; ++i) {
      std::byte* page = pages_.as<std::byte>().data() + place[static_cast<size_t>(i)] * page_bytes;
      for (int64_t layer = 0; layer < kLayers; ++layer) {
        reinterpret_cast<kernels::KvPageLayer*>(page)[layer] = {
            .offset = static_cast<uint32_t>(kernels::kv_page_header_bytes(kLayers) + layer * layer_bytes),
            .key_bits = static_cast<uint8_t>(format_.key_bits),
            .value_bits = static_cast<uint8_t>(format_.value_bits),
            .reserved = 0};
        for (int64_t head = 0; head < kKvHeads; ++head) fill_scales(page, layer, head);
      }
      page_of_.push_back(is_sealed(i) ? page : nullptr);
    }
  }
  void fill_scales(std::byte* page, int64_t layer, int64_t head) const {
    const auto parts = kernels::kv_head_parts(kShape, page, layer, head);
    const auto step = [](int bits) { return kernels::float_to_half(4.0f / static_cast<float>((1 << bits) - 1)); };
    auto* params = reinterpret_cast<Half*>(parts.key_params);
    std::fill_n(params, kHeadDim, step(format_.key_bits));
    std::fill_n(params + kHeadDim, kHeadDim, kernels::float_to_half(-2));
    std::fill_n(reinterpret_cast<Half*>(parts.value_scales), kernels::kv_value_groups(kShape) * kKvPageTokens,
                step(format_.value_bits));
  }

  Format format_;
  AlignedBuffer blocks_, pages_;
  std::vector<const std::byte*> block_of_, page_of_;
};

struct Work {
  const Cache& cache;
  AttentionJob job;
  std::vector<float> q, out;
  AlignedBuffer scratch;

  Work(const Cache& a_cache, int64_t n_heads, int64_t n_queries, int64_t n_keys) : cache(a_cache) {
    job = {.q_stride = n_heads * kHeadDim, .out_stride = n_heads * kHeadDim, .n_queries = n_queries,
           .n_heads = n_heads, .n_kv_heads = kKvHeads, .head_dim = kHeadDim,
           .scale = 1 / std::sqrt(static_cast<float>(kHeadDim)), .n_keys = n_keys, .first_position = n_keys - n_queries,
           .decode = n_queries == 1, .kv = {}};
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    q.resize(static_cast<size_t>(n_queries * n_heads * kHeadDim));
    std::generate(q.begin(), q.end(), [&] { return normal(random); });
    out.resize(q.size());
    job.q = q.data();
    job.out = out.data();
    scratch = std::move(AlignedBuffer::allocate(kernels::attention_scratch_bytes(job, n_queries))).value();
  }
  void run(const KernelTable& table, int64_t layer, int64_t kv_head) {
    job.kv = cache.view(layer, job.n_keys);
    table.attention(job, kv_head, 0, job.n_queries, scratch.data());
  }
  // One head's last query against the scalar twin.
  [[nodiscard]] bool is_right(const KernelTable& table) {
    run(table, 0, 0);
    const std::vector<float> answer = out;
    job.kv = cache.view(0, job.n_keys);
    kernels::kernel_table(Isa::kScalar).value()->attention(job, 0, job.n_queries - 1, job.n_queries, scratch.data());
    double difference = 0, size = 0;
    for (size_t i = out.size() - static_cast<size_t>(job.out_stride), end = i + kHeadDim; i < end; ++i) {
      difference += std::pow(answer[i] - out[i], 2);
      size += std::pow(out[i], 2);
    }
    return difference <= size * 1e-3;
  }
};

const Cache& cache_of(const Format& format) {
  static std::unique_ptr<Cache> caches[std::size(kFormats)];
  std::unique_ptr<Cache>& cache = caches[&format - kFormats];
  if (cache == nullptr) cache = std::make_unique<Cache>(format);
  return *cache;
}

// All heads of a layer.
void decode(benchmark::State& state, const KernelTable* table, const Format* format, int64_t n_heads) {
  Work work(cache_of(*format), n_heads, 1, kKeys);
  if (!work.is_right(*table)) return state.SkipWithError("differs from the scalar twin");
  int64_t layer = 0;
  for (auto _ : state) {
    for (int64_t head = 0; head < kKvHeads; ++head) work.run(*table, layer, head);
    layer = (layer + 1) % kLayers;
  }
  state.counters["GB/s"] = benchmark::Counter(work.cache.bytes() * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

// One KV head.
void prefill(benchmark::State& state, const KernelTable* table, const Format* format, int64_t n_keys) {
  Work work(cache_of(*format), 16, kPrefillQueries, n_keys);
  if (!work.is_right(*table)) return state.SkipWithError("differs from the scalar twin");
  int64_t item = 0;
  for (auto _ : state) {
    work.run(*table, item / kKvHeads % kLayers, item % kKvHeads);
    ++item;
  }
  const double macs = 2.0 * kPrefillQueries * 2 * kHeadDim * static_cast<double>(n_keys - kPrefillQueries / 2);
  state.counters["GMAC/s"] = benchmark::Counter(macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

int register_attention() {
  for (const Isa isa : {Isa::kAvx512Bf16, Isa::kAvx512Vnni, Isa::kAvx2}) {
    const auto table = kernels::kernel_table(isa);
    if (!table.ok()) continue;
    for (const Format& format : kFormats) {
      const std::string suffix = std::string(kernels::isa_name(isa)) + "/" + format.name;
      const auto add = [&](const std::string& name, auto function, int64_t n) {
        benchmark::RegisterBenchmark(("attention_" + name + "/" + suffix).c_str(), function, *table, &format, n)
            ->MinTime(0.1)->Unit(benchmark::kMillisecond);
      };
      if (isa != Isa::kAvx512Bf16) add("decode_16_heads", decode, 16);  // decoding is the same in both
      if (isa != Isa::kAvx512Bf16) add("decode_40_heads", decode, 40);
      add("prefill_4096_keys", prefill, 4096);
      add("prefill_32768_keys", prefill, kKeys);
    }
  }
  return 0;
}

const int kRegistered = register_attention();

}  // namespace
