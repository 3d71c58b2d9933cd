// Nearest neighbours: the exact int8 scan against the memory bandwidth measured beside it, and the
// graph's recall and speed against the scan.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <unordered_set>
#include <vector>

#include "index/vector_index.h"
#include "index/vector_matrix.h"

namespace {

using docmind::index::ScoredChunk;
using docmind::index::VectorIndex;
using docmind::index::VectorMatrix;

constexpr size_t kDimension = 192;  // of the lexical embedder
constexpr size_t kTop = 10;

// Vectors in clusters, as texts are: uniform random ones have no neighbours worth finding.
std::vector<float> clustered(std::mt19937& random, const std::vector<std::vector<float>>& centres) {
  std::normal_distribution<float> noise(0.0f, 0.5f);
  std::vector<float> vector = centres[random() % centres.size()];
  double square = 0;
  for (float& value : vector) {
    value += noise(random);
    square += static_cast<double>(value) * value;
  }
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(square));
  return vector;
}

struct Vectors {
  VectorMatrix matrix{kDimension};
  std::vector<std::vector<float>> queries;
};

Vectors make_vectors(size_t n_rows) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centres(256, std::vector<float>(kDimension));
  for (auto& centre : centres) {
    for (float& value : centre) value = normal(random);
  }
  Vectors vectors;
  vectors.matrix.reserve(n_rows);
  for (size_t i = 0; i < n_rows; ++i) {
    const std::string row = docmind::index::encode_vector(clustered(random, centres));
    if (!vectors.matrix.append(static_cast<int64_t>(i + 1), row).ok()) return {};
  }
  for (int i = 0; i < 64; ++i) vectors.queries.push_back(clustered(random, centres));
  return vectors;
}

// Reads memory as fast as one thread can: what the scan of one thread is held against.
double read_bytes_per_s() {
  static const double rate = [] {
    std::vector<uint64_t> words((256u << 20) / sizeof(uint64_t), 1);
    double best = 0;
    for (int round = 0; round < 5; ++round) {
      const auto start = std::chrono::steady_clock::now();
      uint64_t sums[8] = {};
      for (size_t i = 0; i + 8 <= words.size(); i += 8) {
        for (size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
      }
      benchmark::DoNotOptimize(sums);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      best = std::max(best, static_cast<double>(words.size() * sizeof(uint64_t)) / took.count());
    }
    return best;
  }();
  return rate;
}

void ExactScan(benchmark::State& state) {
  const auto n_rows = static_cast<size_t>(state.range(0));
  Vectors vectors = make_vectors(n_rows);
  const auto index = docmind::index::make_exact_index(vectors.matrix);
  std::vector<float> first(kDimension);
  vectors.matrix.decode(n_rows / 2, first);
  const auto found = index->search(first, 1);
  if (!found.ok() || found->empty() || (*found)[0].chunk_id != static_cast<int64_t>(n_rows / 2 + 1)) {
    return state.SkipWithError("a row is not its own nearest neighbour");
  }
  size_t query = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index->search(vectors.queries[query++ % vectors.queries.size()], kTop));
  }
  const double bytes = static_cast<double>(n_rows * (kDimension + sizeof(float)));
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["limit_GB/s"] = read_bytes_per_s() * 1e-9;
}
BENCHMARK(ExactScan)->Arg(5'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

void Graph(benchmark::State& state) {
  const auto n_rows = static_cast<size_t>(state.range(0));
  Vectors vectors = make_vectors(n_rows);
  const auto exact = docmind::index::make_exact_index(vectors.matrix);
  const auto graph = docmind::index::build_hnsw_index(vectors.matrix, {});
  if (!graph.ok()) return state.SkipWithError(graph.error().message.c_str());
  size_t n_right = 0;
  for (const auto& query : vectors.queries) {
    const auto truth = exact->search(query, kTop);
    const auto found = (*graph)->search(query, kTop);
    if (!truth.ok() || !found.ok()) return state.SkipWithError("a search failed");
    std::unordered_set<int64_t> ids;
    for (const ScoredChunk& hit : *truth) ids.insert(hit.chunk_id);
    for (const ScoredChunk& hit : *found) n_right += ids.count(hit.chunk_id);
  }
  const double recall = static_cast<double>(n_right) /
                        static_cast<double>(vectors.queries.size() * kTop);
  if (recall < 0.98) return state.SkipWithError(("recall@10 is " + std::to_string(recall)).c_str());
  size_t query = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        (*graph)->search(vectors.queries[query++ % vectors.queries.size()], kTop));
  }
  state.counters["recall@10"] = recall;
}
BENCHMARK(Graph)->Arg(100'000)->Unit(benchmark::kMicrosecond);

}  // namespace
