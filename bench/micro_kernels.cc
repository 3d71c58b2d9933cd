// Matrix products: every type and instruction set, for one activation row (decode, memory bound) and
// for many (prefill, bound by the multiply rate), against this machine's own limits. Sealing pages of the KV
// cache and the transform of values, in time per value.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"

namespace {

using namespace docmind;
using kernels::Isa;
using kernels::KernelTable;
using kernels::TensorType;

constexpr int64_t kCols = 1024;

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Best of several: what the instructions can do when nothing else runs.
double int8_rate(const KernelTable& table) {
  int32_t sink = 0;
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    int64_t macs = 0;
    const double seconds = seconds_of([&] { macs = table.int8_probe(1'000'000, &sink); });
    best = std::max(best, static_cast<double>(macs) / seconds);
  }
  benchmark::DoNotOptimize(sink);
  return best;
}

double read_rate(const KernelTable& table, const AlignedBuffer& memory) {
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const double seconds = seconds_of([&] { benchmark::DoNotOptimize(table.read_probe(memory.data(), memory.size())); });
    best = std::max(best, static_cast<double>(memory.size()) / seconds);
  }
  return best;
}

struct Operands {
  AlignedBuffer weights, activations, scratch;
  kernels::PackedMatrix w;
  kernels::Activations x;
  std::vector<float> y;
};

// Bytes of 1 everywhere are a valid matrix of each type, with tiny scales.
Operands make_operands(const KernelTable& table, TensorType type, size_t bytes, int64_t n_rows) {
  Operands out;
  const int64_t panels = std::max<int64_t>(1, static_cast<int64_t>(bytes / kernels::panel_bytes(type, kCols)));
  const int64_t rows = panels * kernels::kPanelRows;
  out.weights = std::move(AlignedBuffer::allocate(kernels::packed_bytes(type, rows, kCols))).value();
  for (std::byte& byte : out.weights.as<std::byte>()) byte = std::byte{1};
  out.w = {type, rows, kCols, out.weights.data()};
  const bool quantized = kernels::uses_quantized_activations(type);
  out.activations = std::move(AlignedBuffer::allocate(kernels::activation_bytes(n_rows, kCols, quantized))).value();
  out.x = kernels::place_activations(n_rows, kCols, quantized, out.activations.data());
  const std::vector<float> values(static_cast<size_t>(n_rows * kCols), 0.5f);
  table.load_activations(values.data(), kCols, 0, n_rows, out.x);
  out.scratch = std::move(AlignedBuffer::allocate(kernels::matmul_scratch_bytes(kCols))).value();
  out.y.resize(static_cast<size_t>(n_rows * rows));
  return out;
}

void multiply(const KernelTable& table, Operands& o) {
  table.matmul(o.w, o.x, 0, o.w.n_panels(), o.y.data(), o.w.rows, o.scratch.data());
}

void decode(benchmark::State& state, const KernelTable* table, TensorType type) {
  Operands o = make_operands(*table, type, size_t{256} << 20, 1);
  const double limit = read_rate(*table, o.weights);
  for (auto _ : state) multiply(*table, o);
  const double bytes = static_cast<double>(o.weights.size());
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of_limit"] = benchmark::Counter(bytes / limit, benchmark::Counter::kIsIterationInvariantRate);
}

void prefill(benchmark::State& state, const KernelTable* table, TensorType type) {
  const int64_t n_rows = 510;
  Operands o = make_operands(*table, type, kernels::panel_bytes(type, kCols) * 64, n_rows);
  const double limit = int8_rate(*table);
  for (auto _ : state) multiply(*table, o);
  const double macs = static_cast<double>(n_rows * o.w.rows * kCols);
  state.counters["GMAC/s"] = benchmark::Counter(macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of_limit"] = benchmark::Counter(macs / limit, benchmark::Counter::kIsIterationInvariantRate);
}

// A layer of a page, 8 KV heads of 128 channels: 131,072 normal keys and values.
struct Page {
  static constexpr kernels::KvPageShape kShape = {
      .n_kv_heads = 8, .head_dim = 128, .key_group = 64, .value_group = 128};
  static constexpr int64_t kPartValues = kernels::kKvBlockTokens * kShape.head_dim;
  static constexpr int64_t kBlockValues = 2 * kPartValues * kShape.n_kv_heads;
  std::vector<float> values;
  std::vector<kernels::Half> blocks;
  AlignedBuffer page;
  kernels::KvSealJob job;

  Page(const KernelTable& table, int bits) : values(kernels::kKvPageBlocks * kBlockValues), blocks(values.size()) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (float& value : values) value = normal(random);
    table.to_half(values.data(), static_cast<int64_t>(values.size()), blocks.data());
    const int64_t header = kernels::kv_page_header_bytes(1);
    page = std::move(AlignedBuffer::allocate(header + kernels::kv_layer_bytes(kShape, bits, bits))).value();
    *reinterpret_cast<kernels::KvPageLayer*>(page.data()) = {.offset = static_cast<uint32_t>(header),
                                                             .key_bits = static_cast<uint8_t>(bits),
                                                             .value_bits = static_cast<uint8_t>(bits),
                                                             .reserved = 0};
    for (int64_t i = 0; i < kernels::kKvPageBlocks; ++i) {
      job.blocks[i] = reinterpret_cast<const std::byte*>(blocks.data() + i * kBlockValues);
    }
    job.v_offset = kPartValues * sizeof(kernels::Half);
    job.head_stride = 2 * job.v_offset;
    job.shape = kShape;
    job.page = page.data();
  }
};

void count_values(benchmark::State& state, size_t n_values) {
  using benchmark::Counter;
  const auto seconds_each = static_cast<Counter::Flags>(Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["s/value"] = Counter(static_cast<double>(n_values), seconds_each);
}

void seal(benchmark::State& state, const KernelTable* table, int bits) {
  Page page(*table, bits);
  for (auto _ : state) table->seal(page.job, 0, Page::kShape.n_kv_heads);
  count_values(state, page.values.size());
}

void hadamard(benchmark::State& state, const KernelTable* table, int64_t block) {
  Page page(*table, 8);
  for (auto _ : state) table->hadamard(page.values.data(), Page::kPartValues, block);
  count_values(state, Page::kPartValues);
}

int register_pages() {
  for (const Isa isa : {Isa::kAvx512Vnni, Isa::kAvx2, Isa::kScalar}) {
    const auto table = kernels::kernel_table(isa);
    if (!table.ok()) continue;
    const std::string name(kernels::isa_name(isa));
    for (const int bits : {8, 4, 3, 2}) {
      const std::string full = "kv_seal/" + name + "/" + std::to_string(bits);
      benchmark::RegisterBenchmark(full.c_str(), seal, *table, bits)->MinTime(0.1);
    }
    for (const int64_t block : {16, 128, 256}) {
      const std::string full = "hadamard/" + name + "/" + std::to_string(block);
      benchmark::RegisterBenchmark(full.c_str(), hadamard, *table, block)->MinTime(0.1);
    }
  }
  return 0;
}

int register_products() {
  for (const Isa isa : {Isa::kAvx512Vnni, Isa::kAvx2}) {
    const auto table = kernels::kernel_table(isa);
    if (!table.ok()) continue;
    for (const TensorType type : {TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kQ4_K, TensorType::kQ5_K,
                                  TensorType::kQ6_K, TensorType::kF16}) {
      const std::string suffix = std::string(kernels::isa_name(isa)) + "/" +
                                 std::string(kernels::tensor_type_info(type).name);
      benchmark::RegisterBenchmark(("matmul_decode/" + suffix).c_str(), decode, *table, type)->MinTime(0.1);
      benchmark::RegisterBenchmark(("matmul_prefill/" + suffix).c_str(), prefill, *table, type)->MinTime(0.1);
    }
  }
  return 0;
}

const int kRegistered = register_products() + register_pages();

}  // namespace
